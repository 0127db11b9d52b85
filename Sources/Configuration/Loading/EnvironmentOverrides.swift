// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Applies `REGISTRY_*` variables to the tree of a configuration, by Distribution's rules.
///
/// A variable's name is split at `_`; in a section each part names a key by Distribution's Go field name in upper case,
/// in a table any key (new ones in lower case), in a list an index. The value is YAML. Every node that a variable puts
/// into the tree carries the variable's name as its origin, so that later checks can name it.
struct EnvironmentOverrides {
  private(set) var log: DiagnosticLog

  init(log: DiagnosticLog) {
    self.log = log
  }

  /// How a node that a variable made is called.
  static func origin(_ name: String) -> String { "environment variable \(name)" }

  /// Why a variable could not be applied.
  private enum Refusal: Error {
    /// Distribution ignores such a variable with a warning; the text says more.
    case unrecognized(String)
    /// Distribution stops here.
    case fatal(String)
  }

  /// Applies all variables in the order of their names' bytes, so that a section comes before its keys.
  mutating func apply(_ environment: [String: String], to root: YAMLNode) -> YAMLNode {
    var tree = Self.spelledOut(root, path: "")
    let names = environment.keys
      .filter { $0.hasPrefix("REGISTRY_") && $0 != ConfigurationSource.pathVariable }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for name in names {
      apply(name, environment[name] ?? "", to: &tree)
    }
    return tree
  }

  private mutating func apply(_ name: String, _ value: String, to tree: inout YAMLNode) {
    let origin = Self.origin(name)
    if ServiceVariable.matches(name, value) {
      return report(
        .warning, origin,
        "ignored: it looks like a Kubernetes or Docker service variable of a service named \"registry\"")
    }
    let parts = name.split(separator: "_", omittingEmptySubsequences: false).dropFirst()
    do throws(Refusal) {
      let payload = try Self.payload(value, origin: origin)
      tree = try Self.replace(tree, entry: nil, path: "", parts: parts, payload)
    } catch {
      switch error {
      case .unrecognized(let text): report(.warning, origin, "ignored: \(text)")
      case .fatal(let text): report(.error, origin, text)
      }
    }
  }

  private mutating func report(_ severity: Diagnostic.Severity, _ origin: String, _ message: String) {
    log.add(severity, about: YAMLNode(.scalar(YAMLScalar("")), at: Self.nowhere, origin: origin), "", message)
  }

  private static func payload(_ value: String, origin: String) throws(Refusal) -> YAMLNode {
    do {
      let document = try YAMLDocument(Array(value.utf8), origin: origin)
      return document.root ?? YAMLNode(.scalar(YAMLScalar("")), at: nowhere, origin: origin)
    } catch {
      // The value itself stays out of the message: it may be a secret.
      throw .fatal("its value is not YAML: \(error.message) (line \(error.mark.line), column \(error.mark.column))")
    }
  }

  private static let nowhere = YAMLMark(line: 1, column: 1)

  /// The node with the payload put where the parts lead.
  private static func replace(
    _ node: YAMLNode?, entry: KeyEntry?, path: String, parts: ArraySlice<Substring>, _ payload: YAMLNode
  ) throws(Refusal) -> YAMLNode {
    guard let part = parts.first else { return spelledOut(payload, path: path) }
    let isAbsent = node?.isNull ?? true
    switch path.isEmpty ? .section : entry?.kind {
    case .section where isAbsent || node?.mapping != nil:
      guard let child = KeyTable.children(of: entry?.path ?? "").first(where: { $0.variablePart == part }) else {
        throw .unrecognized(unknownPart(part, in: entry))
      }
      return try descend(node, KeyPath.last(of: child.path), child, path, parts, payload)
    case .table where isAbsent || node?.mapping != nil, nil where isAbsent || node?.mapping != nil:
      let wanted = part.lowercased()
      let key = node?.mapping?.entries.first { $0.key.lowercased() == wanted }?.key ?? wanted
      let child = entry.flatMap { KeyTable.child(key, of: $0.path) }
      return try descend(node, key, child, path, parts, payload)
    case .list where isAbsent || node?.sequence != nil, .texts where isAbsent || node?.sequence != nil,
      nil where node?.sequence != nil:
      return try element(node, entry, path, parts, payload)
    default:
      throw .unrecognized("\"\(path)\" has no parts, so \"\(part)\" names nothing")
    }
  }

  /// The mapping with one key replaced by what the further parts make of it.
  private static func descend(
    _ node: YAMLNode?, _ key: String, _ child: KeyEntry?, _ path: String, _ parts: ArraySlice<Substring>,
    _ payload: YAMLNode
  ) throws(Refusal) -> YAMLNode {
    var mapping = node?.mapping ?? YAMLMapping()
    let old = mapping.entry(key)
    let value = try replace(
      old?.value, entry: child, path: KeyPath.child(key, of: path), parts: parts.dropFirst(), payload)
    mapping.set(YAMLMapping.Entry(key: key, keyMark: old?.keyMark ?? nowhere, value: value))
    let owner = node.flatMap { $0.isNull ? nil : $0 }
    return YAMLNode(.mapping(mapping), at: owner?.mark ?? nowhere, origin: owner?.origin ?? payload.origin)
  }

  /// The list with one element replaced or appended.
  private static func element(
    _ node: YAMLNode?, _ entry: KeyEntry?, _ path: String, _ parts: ArraySlice<Substring>, _ payload: YAMLNode
  ) throws(Refusal) -> YAMLNode {
    let part = parts[parts.startIndex]
    var elements = node?.sequence ?? []
    guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = Int(part) else {
      throw .fatal("non-numeric index: \"\(part)\"; \"\(path)\" is a list, whose elements are counted from 0")
    }
    guard index <= elements.count else {
      throw .fatal("undefined index: \(index); the list \"\(path)\" has \(elements.count) elements")
    }
    let child = entry.flatMap { KeyTable.entry($0.path + "[]") }
    let old = index < elements.count ? elements[index] : nil
    let value = try replace(old, entry: child, path: "\(path)[\(index)]", parts: parts.dropFirst(), payload)
    if index < elements.count { elements[index] = value } else { elements.append(value) }
    return YAMLNode(.sequence(elements), at: node?.mark ?? nowhere, origin: node?.origin ?? payload.origin)
  }

  private static func unknownPart(_ part: Substring, in entry: KeyEntry?) -> String {
    let siblings = KeyTable.children(of: entry?.path ?? "")
    let place = entry.map { "in \"\($0.path)\"" } ?? "at the top"
    // A key's own name is the natural guess where Distribution's field is called otherwise.
    if let renamed = siblings.first(where: { KeyPath.last(of: $0.path).uppercased() == part }) {
      return "there is no \"\(part)\" \(place); the variable for \"\(renamed.path)\" says \(renamed.variablePart)"
    }
    let hint = Nearest.name(to: String(part), among: siblings.map(\.variablePart)).map { "; the nearest is \($0)" }
    return "there is no \"\(part)\" \(place)\(hint ?? "")"
  }

  /// `storage: inmemory` and `auth: none` are short for a table with that one key.
  private static func spelledOut(_ node: YAMLNode, path: String) -> YAMLNode {
    switch path {
    case "storage", "auth":
      guard let scalar = node.scalar, !node.isNull else { return node }
      var mapping = YAMLMapping()
      let empty = YAMLNode(.mapping(YAMLMapping()), at: node.mark, origin: node.origin)
      mapping.set(YAMLMapping.Entry(key: scalar.text, keyMark: node.mark, value: empty))
      return YAMLNode(.mapping(mapping), at: node.mark, origin: node.origin)
    case "":
      guard var mapping = node.mapping else { return node }
      for entry in mapping.entries {
        mapping.set(
          YAMLMapping.Entry(key: entry.key, keyMark: entry.keyMark, value: spelledOut(entry.value, path: entry.key)))
      }
      return YAMLNode(.mapping(mapping), at: node.mark, origin: node.origin)
    default: return node
    }
  }
}
