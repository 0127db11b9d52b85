// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Where a server listens.
enum Endpoint: Sendable, CustomStringConvertible {
  case ip4(port: UInt16)
  case ip6(port: UInt16)
  case unix(path: String)

  var description: String {
    switch self {
    case .ip4(let port): "127.0.0.1:\(port)"
    case .ip6(let port): "[::1]:\(port)"
    case .unix(let path): path
    }
  }
}

/// A blocking connection that gives up instead of waiting for ever: each wait is one poll(2) with a deadline.
final class Connection {
  /// How long one wait for the peer may take before the test fails.
  static let patienceMilliseconds: Int32 = 30_000

  let descriptor: Int32
  private var buffered: [UInt8] = []
  private var isClosed = false

  init(to endpoint: Endpoint) throws {
    let (opened, result) = Connection.open(endpoint)
    guard result == 0 else {
      let code = errno
      close(opened)
      throw HarnessError("connect to \(endpoint): \(String(cString: strerror(code)))")
    }
    descriptor = opened
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { shut() }

  /// The port at our end, by which the server knows us; 0 where there are no ports.
  var localPort: Int {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return result == 0 && address.sin_family == AF_INET ? Int(UInt16(bigEndian: address.sin_port)) : 0
  }

  func shut() {
    if isClosed { return }
    isClosed = true
    close(descriptor)
  }

  /// Says that nothing more comes from us; answers can still be read.
  func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset instead of an orderly end, as a cut cable would.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    shut()
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      try wait(for: Int16(POLLOUT), to: "write")
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if count < 0 {
        if errno == EAGAIN || errno == EINTR { continue }
        throw HarnessError("write: \(String(cString: strerror(errno)))")
      }
      sent += count
    }
  }

  /// Everything that has arrived and not been taken, at least one byte; empty at the end of the stream.
  func receive() throws -> [UInt8] {
    if !buffered.isEmpty {
      defer { buffered = [] }
      return buffered
    }
    while true {
      try wait(for: Int16(POLLIN), to: "read")
      var chunk = [UInt8](repeating: 0, count: 256 * 1024)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == ECONNRESET { return [] }
        throw HarnessError("read: \(String(cString: strerror(errno)))")
      }
      return Array(chunk.prefix(count))
    }
  }

  /// Gives back bytes that were read too far.
  func putBack(_ bytes: some Sequence<UInt8>) { buffered = bytes + buffered }

  /// Everything up to the end of the stream.
  func receiveAll() throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let more = try receive()
      if more.isEmpty { return all }
      all += more
    }
  }

  /// Whether bytes, or the end, are there to be read within the time.
  func isReadable(within milliseconds: Int32) -> Bool {
    if !buffered.isEmpty { return true }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, milliseconds) > 0
  }

  private func wait(for events: Int16, to verb: String) throws {
    var waiting = pollfd(fd: descriptor, events: events, revents: 0)
    if poll(&waiting, 1, Connection.patienceMilliseconds) == 0 {
      throw HarnessError("\(verb): nothing happened for \(Connection.patienceMilliseconds / 1000) s")
    }
  }

  private static func open(_ endpoint: Endpoint) -> (Int32, Int32) {
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    switch endpoint {
    case .ip4(let port):
      let opened = socket(AF_INET, stream, 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      return (opened, connectTo(&address, opened))
    case .ip6(let port):
      let opened = socket(AF_INET6, stream, 0)
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      return (opened, connectTo(&address, opened))
    case .unix(let path):
      let opened = socket(AF_UNIX, stream, 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
      return (opened, connectTo(&address, opened))
    }
  }

  private static func connectTo<Address>(_ address: inout Address, _ descriptor: Int32) -> Int32 {
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }
}

/// A port of the loopback that nobody listened on a moment ago.
func freePort(ip6: Bool = false) throws -> UInt16 {
  let opened = socket(ip6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  defer { close(opened) }
  var storage = sockaddr_in6()
  var size = socklen_t(ip6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
  storage.sin6_family = sa_family_t(ip6 ? AF_INET6 : AF_INET)
  let got = withUnsafeMutablePointer(to: &storage) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
      bind(opened, address, size) == 0 && getsockname(opened, address, &size) == 0
    }
  }
  guard got else { throw HarnessError("no free port: \(String(cString: strerror(errno)))") }
  return UInt16(bigEndian: storage.sin6_port)
}
