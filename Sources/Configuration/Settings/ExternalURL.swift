// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The URL under which clients reach the registry (`http.host`): scheme, authority and the path before `v2/`.
public struct ExternalURL: Sendable, Equatable, CustomStringConvertible {
  /// `http` or `https`.
  public var scheme: String
  /// Host and port as written: `registry.example.com`, `10.0.0.1:5000`, `[::1]:5000`.
  public var authority: String
  /// The path, beginning with a slash and without one at its end; empty when there is none.
  public var path: String

  /// Reads an absolute `http` or `https` URL. Nil when it is not one, or has a query, a fragment or user information.
  public init?(_ text: String) {
    let lowered = text.lowercased()
    guard let scheme = ["https", "http"].first(where: { lowered.hasPrefix($0 + "://") }) else { return nil }
    let rest = text.dropFirst(scheme.count + 3)
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains(where: { "?#@\"<>\\".contains($0) })
    else { return nil }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    guard slash != rest.startIndex else { return nil }
    var path = rest[slash...]
    while path.hasSuffix("/") { path = path.dropLast() }
    self.scheme = scheme
    self.authority = String(rest[..<slash])
    self.path = String(path)
  }

  /// The URL without a slash at its end.
  public var description: String { "\(scheme)://\(authority)\(path)" }
}
