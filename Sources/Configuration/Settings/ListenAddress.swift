// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Where the server listens: `http.net` and `http.addr` together.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A TCP port. An empty host means every interface, IPv6 and IPv4; port 0 asks the kernel for a free one.
  /// The host is a name or an address without brackets.
  case tcp(host: String, port: UInt16)
  /// A unix socket at a path.
  case unix(path: String)

  /// The longest path a unix socket may have on Linux, in bytes (`sun_path` less its terminator).
  public static let unixPathBytesMax = 107

  /// Reads Go's `host:port` form: `localhost:5000`, `:5000`, `[::1]:5000`. Nil when the text is not of that form.
  public init?(tcp text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...].utf8
    guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(String(text[text.index(after: colon)...]))
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else { return nil }
      host = host.dropFirst().dropLast()
      guard host.contains(":"), host.utf8.allSatisfy(Self.isIPv6Byte) else { return nil }
    } else {
      guard host.utf8.allSatisfy(Self.isNameByte) else { return nil }
    }
    self = .tcp(host: String(host), port: port)
  }

  /// The address as it is written in a configuration file.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
    default: false
    }
  }

  private static func isIPv6Byte(_ byte: UInt8) -> Bool {
    // The zone after "%" names an interface.
    isNameByte(byte) || byte == 0x3A || byte == 0x25
  }
}
