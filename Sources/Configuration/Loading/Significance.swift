// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Whether a key that we cannot serve asks for anything.
enum Significance {
  /// Whether anything is set at or below a node: an empty section, an empty text and a null are not.
  static func isSet(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar(let scalar): scalar.resolved != .null && !scalar.text.isEmpty
    case .sequence(let elements): !elements.isEmpty
    case .mapping(let mapping): mapping.entries.contains { isSet($0.value) }
    }
  }

  /// Whether the registry may not start with this value at the (refused) key of a table path.
  static func mustRefuse(_ node: YAMLNode, path: String) -> Bool {
    switch path {
    // The name of a method or driver says all, its own settings may be empty.
    case "auth.token": true
    case _ where path.hasPrefix("storage."): true
    case "proxy" where node.mapping != nil: node["remoteurl"].map(isSet) ?? false
    case "notifications" where node.mapping != nil: node["endpoints"].map(hasActiveEndpoint) ?? false
    default: isSet(node)
    }
  }

  /// Whether a warning is due for a refused key that need not be refused.
  static func isHarmlessButSet(_ node: YAMLNode) -> Bool {
    isSet(node)
  }

  /// The first value that is set at or below a node.
  static func firstSet(in node: YAMLNode) -> YAMLNode? {
    switch node.content {
    case .scalar: isSet(node) ? node : nil
    case .sequence(let elements): elements.lazy.compactMap(firstSet).first
    case .mapping(let mapping): mapping.entries.lazy.compactMap { firstSet(in: $0.value) }.first
    }
  }

  private static func hasActiveEndpoint(_ node: YAMLNode) -> Bool {
    guard let endpoints = node.sequence else { return isSet(node) }
    return endpoints.contains { $0["disabled"]?.scalar?.resolved != .bool(true) }
  }
}
