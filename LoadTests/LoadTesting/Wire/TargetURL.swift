// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The address of a registry: scheme, host, port, and the path before `/v2/`.
public struct TargetURL: Sendable, Hashable, CustomStringConvertible {
  /// Whether the connection is TLS.
  public var isSecure: Bool
  /// A name or an address; IPv6 without brackets.
  public var host: String
  /// The port.
  public var port: UInt16
  /// The path and query; without a slash at its end where a registry is meant.
  public var path: String

  /// Reads `http://host[:port][/path]` or `https://…`; throws what is wrong with the text.
  public init(_ text: String) throws(InputError) {
    func wrong(_ why: String) -> InputError { InputError("\"\(text)\" is not the URL of a registry: \(why)") }
    guard let separator = text.firstRange(of: "://") else { throw wrong("it begins with neither http:// nor https://") }
    switch text[..<separator.lowerBound].lowercased() {
    case "http": isSecure = false
    case "https": isSecure = true
    default: throw wrong("it begins with neither http:// nor https://")
    }
    let rest = text[separator.upperBound...]
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var authority = rest[..<slash]
    path = String(rest[slash...])
    while path.hasSuffix("/") { path.removeLast() }
    if authority.contains("@") { throw wrong("name and password belong into --user, not into the URL") }
    var portText: Substring?
    if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
      let after = authority[authority.index(after: close)...]
      if after.hasPrefix(":") {
        portText = after.dropFirst()
      } else if !after.isEmpty {
        throw wrong("after the bracket")
      }
      host = String(authority[authority.index(after: authority.startIndex)..<close])
    } else {
      if let colon = authority.lastIndex(of: ":") {
        portText = authority[authority.index(after: colon)...]
        authority = authority[..<colon]
      }
      host = String(authority)
    }
    guard !host.isEmpty, !host.contains(" ") else { throw wrong("there is no host") }
    if let portText {
      guard let number = UInt16(portText), number > 0 else { throw wrong("\"\(portText)\" is no port") }
      port = number
    } else {
      port = isSecure ? 443 : 80
    }
  }

  /// Host and port as the Host field has them: the port only where it is not the scheme's own.
  public var authority: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  /// The URL.
  public var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path)" }

  /// Whether both lead to the same server.
  public func hasSameOrigin(as other: TargetURL) -> Bool {
    isSecure == other.isSecure && host.lowercased() == other.host.lowercased() && port == other.port
  }
}

/// What is wrong with what a person gave us, and where.
public struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The message, with file, line and column where there are such.
  public var description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}
