// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Variables that Kubernetes (and Docker's old links) put into every container for a service named `registry` or
/// `registry-something`. Their names look like settings; their values never are.
enum ServiceVariable {
  /// Whether name and value are of a service variable's form: `…_PORT=tcp://…`, `…_PORT_5000_TCP=tcp://…`,
  /// `…_PORT_5000_TCP_ADDR`, `…_TCP_PORT`, `…_TCP_PROTO`, `…_SERVICE_HOST`, `…_SERVICE_PORT` and `…_SERVICE_PORT_NAME`.
  static func matches(_ name: String, _ value: String) -> Bool {
    let parts = name.split(separator: "_", omittingEmptySubsequences: false)
    if parts.last == "PORT", isEndpoint(value) { return true }
    if let service = parts.lastIndex(of: "SERVICE"), service + 1 < parts.endIndex {
      switch parts[service + 1] {
      case "HOST": return service + 2 == parts.endIndex
      case "PORT": return isNumber(value)
      default: break
      }
    }
    // PORT, a number, a protocol; then at most one of ADDR, PORT and PROTO.
    guard
      let port = parts.indices.first(where: { index in
        index + 2 < parts.endIndex && parts[index] == "PORT" && isNumber(parts[index + 1])
          && ["TCP", "UDP", "SCTP"].contains(parts[index + 2])
      })
    else { return false }
    let rest = parts[(port + 3)...]
    return rest.isEmpty ? isEndpoint(value) : rest.count == 1 && ["ADDR", "PORT", "PROTO"].contains(rest.first)
  }

  private static func isEndpoint(_ value: String) -> Bool {
    ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
