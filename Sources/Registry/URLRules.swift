// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns

/// Which URLs the layers of a manifest may name (Distribution's `validation.manifests.urls`).
///
/// Without any expression every text is allowed. Else a URL is allowed when it is absolute http or https without a
/// fragment, not longer than 8 KiB, some `allow` expression matches somewhere in it (or there is none), and no `deny`
/// expression does.
public struct URLRules: Sendable {
  /// Expressions of which one must match; empty: any URL.
  public let allow: [Pattern]
  /// Expressions of which none may match.
  public let deny: [Pattern]

  private static let bytesMax = 8192

  /// Makes rules.
  public init(allow: [Pattern], deny: [Pattern]) {
    self.allow = allow
    self.deny = deny
  }

  /// Whether a layer may name `url`.
  public func allows(_ url: String) -> Bool {
    if allow.isEmpty, deny.isEmpty { return true }
    guard url.utf8.count <= Self.bytesMax else { return false }
    let lowered = url.lowercased()
    guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else { return false }
    guard !url.utf8.contains(UInt8(ascii: "#")) else { return false }
    guard allow.isEmpty || allow.contains(where: { $0.matches(url) }) else { return false }
    return !deny.contains { $0.matches(url) }
  }
}
