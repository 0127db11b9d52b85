// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
public import GantryWorld
internal import Glibc
internal import Synchronization

/// A socket that is bound, and that no loop serves yet. Closed when dropped.
///
/// A TCP socket listens only when a loop is given it: until somebody answers, clients are refused and can go elsewhere.
/// A unix-domain socket listens at once, because the name of one that does not looks like one that was left behind.
public final class BoundSocket: Sendable {
  /// Connections that may wait to be accepted. The kernel cuts it to net.core.somaxconn.
  private static let backlog: Int32 = 4096

  /// Where it is bound, with the port that was given.
  public let address: ListenAddress
  private let descriptor: Mutex<Int32?>
  /// Whether we have opened it, and no service manager.
  private let isOurs: Bool

  /// Takes a listening socket over that somebody else has opened.
  init(adopting descriptor: Int32, address: ListenAddress) {
    self.address = address
    self.descriptor = Mutex(descriptor)
    isOurs = false
  }

  /// Binds every address that the name stands for until one succeeds. Blocks for the name's resolution.
  public init(_ wanted: ListenAddress) throws(ListenError) {
    let (descriptor, address) =
      switch wanted {
      case .unix(let path): (try Self.bind(path: path), wanted)
      case .tcp(let host, let port): try Self.bind(host: host, port: port)
      }
    self.address = address
    self.descriptor = Mutex(descriptor)
    isOurs = true
  }

  deinit {
    if let descriptor = take() { Socket.close(descriptor) }
  }

  /// Gives the socket to a loop, which listens from now on. Called on that loop, once.
  public func listener(on loop: EventLoop) throws(ListenError) -> any StreamListener {
    guard let descriptor = take() else { preconditionFailure("a bound socket was given away twice") }
    // Two processes may be bound to one address as long as none listens.
    if isOurs, Glibc.listen(descriptor, Self.backlog) != 0 {
      let code = errno
      Socket.close(descriptor)
      throw Self.error(address, code)
    }
    do {
      return SocketListener(try SocketPoll(descriptor, on: loop), address: address, isOurs: isOurs)
    } catch {
      Socket.close(descriptor)
      throw Self.error(address, -error.code)
    }
  }

  /// The name in the file system that we have made, if it has one.
  var ownPath: String? {
    guard isOurs, case .unix(let path) = address else { return nil }
    return path
  }

  /// Closes a socket that nobody needs. Does nothing when a loop has it.
  public func close() {
    if let descriptor = take() { Socket.close(descriptor) }
  }

  private func take() -> Int32? {
    descriptor.withLock { $0.take() }
  }

  private static func bind(host: String, port: UInt16) throws(ListenError) -> (Int32, ListenAddress) {
    let wanted = ListenAddress.tcp(host: host, port: port)
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &found)
    guard status == 0, let first = unsafe found else {
      throw ListenError(
        address: wanted, description: "cannot resolve \"\(host)\": \(unsafe String(cString: gai_strerror(status)))",
        isAddressInUse: false)
    }
    defer { unsafe freeaddrinfo(first) }
    // With no host, the IPv6 wildcard takes IPv4 connections too, so it is tried first, and IPv4 alone only where there
    // is no IPv6; a name that stands for both, as localhost does, is taken as IPv4, which is what Distribution binds.
    var failure: Int32 = EADDRNOTAVAIL
    let families = host.isEmpty ? [AF_INET6, AF_INET] : [AF_INET, AF_INET6]
    for family in families {
      var next: UnsafeMutablePointer<addrinfo>? = unsafe first
      while let candidate = unsafe next {
        unsafe next = candidate.pointee.ai_next
        if unsafe candidate.pointee.ai_family != family { continue }
        let result = unsafe bind(
          candidate.pointee.ai_family, candidate.pointee.ai_addr, candidate.pointee.ai_addrlen)
        if result >= 0 {
          return (result, .tcp(host: host, port: port == 0 ? boundPort(result) : port))
        }
        failure = -result
        if host.isEmpty, failure != EAFNOSUPPORT, failure != EADDRNOTAVAIL { throw error(wanted, failure) }
      }
    }
    throw error(wanted, failure)
  }

  private static func bind(path: String) throws(ListenError) -> Int32 {
    let wanted = ListenAddress.unix(path: path)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < room else {
      throw ListenError(
        address: wanted, description: "the socket path \"\(path)\" is longer than \(room - 1) bytes",
        isAddressInUse: false)
    }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
      for (index, byte) in path.utf8.enumerated() { unsafe target[index] = byte }
    }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    var result = unsafe withAddress(&address) { unsafe bind(AF_UNIX, $0, length) }
    if result == -EADDRINUSE, unsafe withAddress(&address, { unsafe isDead($0, length) }) {
      // Left behind by a server that was killed: nobody answers there.
      _ = unsafe unlink(path)
      result = unsafe withAddress(&address) { unsafe bind(AF_UNIX, $0, length) }
    }
    guard result >= 0 else { throw error(wanted, -result) }
    return result
  }

  private static func withAddress<R>(
    _ address: inout sockaddr_un, _ body: (UnsafeMutablePointer<sockaddr>) -> R
  ) -> R {
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe body(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self))
    }
  }

  private static func bind(_ family: Int32, _ address: UnsafeMutablePointer<sockaddr>?, _ length: socklen_t) -> Int32 {
    let descriptor = Int32(gantry_socket(family))
    guard descriptor >= 0 else { return descriptor }
    if family != AF_UNIX { Socket.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR) }
    if family == AF_INET6 { Socket.setDualStack(descriptor) }
    if unsafe Glibc.bind(descriptor, address, length) == 0,
      family != AF_UNIX || Glibc.listen(descriptor, backlog) == 0
    {
      return descriptor
    }
    let code = errno
    Socket.close(descriptor)
    return -code
  }

  /// Whether nobody listens at a unix-domain socket's path.
  private static func isDead(_ address: UnsafeMutablePointer<sockaddr>, _ length: socklen_t) -> Bool {
    let descriptor = Int32(gantry_socket(AF_UNIX))
    guard descriptor >= 0 else { return false }
    defer { Socket.close(descriptor) }
    return unsafe connect(descriptor, address, length) != 0 && errno == ECONNREFUSED
  }

  private static func boundPort(_ descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe getsockname(
        descriptor, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
    }
    return result == 0 ? Socket.address(storage, length).port : 0
  }

  private static func error(_ address: ListenAddress, _ code: Int32) -> ListenError {
    let place =
      switch address {
      case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    let advice =
      switch code {
      case EADDRINUSE: "; another process listens there: stop it, or set http.addr to another address"
      case EACCES: "; ports below 1024 and other users' directories need privileges"
      case EADDRNOTAVAIL: "; no interface of this machine has that address"
      default: ""
      }
    return ListenError(
      address: address, description: "cannot listen on \(place): \(LoopError.text(code))\(advice)",
      isAddressInUse: code == EADDRINUSE)
  }
}
