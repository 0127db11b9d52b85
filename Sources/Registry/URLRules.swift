// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Which URLs the layers of a manifest may name (Distribution's `validation.manifests.urls`).
///
/// Without any expression every text is allowed. Else a URL is allowed when it is absolute http or https without a
/// fragment, some `allow` expression matches somewhere in it (or there is none), and no `deny` expression does.
public struct URLRules: Sendable {
  /// Regular expressions of which one must match; empty: any URL.
  public let allow: [String]
  /// Regular expressions of which none may match.
  public let deny: [String]

  /// Rules, or nil when an expression is malformed; `malformed` is told which.
  public init?(allow: [String], deny: [String], malformed: (String) -> Void = { _ in }) {
    for expression in allow + deny where Self.compiled(expression) == nil {
      malformed(expression)
      return nil
    }
    self.allow = allow
    self.deny = deny
  }

  /// Whether a layer may name `url`.
  public func allows(_ url: String) -> Bool {
    if allow.isEmpty, deny.isEmpty { return true }
    let lowered = url.lowercased()
    guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else { return false }
    guard !url.utf8.contains(UInt8(ascii: "#")) else { return false }
    guard allow.isEmpty || allow.contains(where: { Self.matches($0, url) }) else { return false }
    return !deny.contains { Self.matches($0, url) }
  }

  // Compiled anew for each URL: a compiled expression is not Sendable, and layers with URLs are rare.
  private static func matches(_ expression: String, _ url: String) -> Bool {
    guard let regex = compiled(expression) else { return false }
    return url.contains(regex)
  }

  private static func compiled(_ expression: String) -> Regex<AnyRegexOutput>? {
    // What is malformed is told by nil; the parser's own words do not name our settings.
    try? Regex(expression)
  }
}
