// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

extension BoundSocket {
  /// A listening socket that the service manager has opened for this process.
  public struct Activated: Sendable {
    /// Its name (`FileDescriptorName=`), `unknown` as a rule.
    public let name: String
    /// The socket, listening.
    public let socket: BoundSocket
  }

  /// Takes the listening sockets that were passed on to this process (`LISTEN_FDS`). Called once, before anything else
  /// opens descriptors; children do not inherit them. What is no listening stream socket is left out and closed.
  public static func takeActivated(_ environment: [String: String]) -> [Activated] {
    guard let passed = ActivatedSockets(environment, processID: getpid()) else { return [] }
    return passed.names.enumerated().compactMap { index, name in
      let descriptor = ActivatedSockets.firstDescriptor + Int32(index)
      guard let address = listeningAddress(of: descriptor) else {
        if fcntl(descriptor, F_GETFD) != -1 { Socket.close(descriptor) }
        return nil
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
      return Activated(name: name, socket: BoundSocket(adopting: descriptor, address: address))
    }
  }

  /// Where a socket listens; nil when the descriptor is no listening stream socket.
  private static func listeningAddress(of descriptor: Int32) -> ListenAddress? {
    guard option(SO_ACCEPTCONN, of: descriptor) == 1, option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
    else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe getsockname(
        descriptor, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
    }
    guard result == 0 else { return nil }
    if Int32(storage.ss_family) == AF_UNIX { return .unix(path: path(in: storage, length)) }
    let address = Socket.address(storage, length)
    // The wildcard is written as no host at all.
    let isAny = address.host == "::" || address.host == "0.0.0.0"
    return .tcp(host: isAny ? "" : address.host, port: address.port)
  }

  private static func path(in storage: sockaddr_storage, _ length: socklen_t) -> String {
    let offset = MemoryLayout<sa_family_t>.size
    return unsafe withUnsafeBytes(of: storage) { bytes in
      let path = unsafe bytes[offset..<max(offset, Int(length))].prefix { $0 != 0 }
      return unsafe String(decoding: path, as: UTF8.self)
    }
  }

  private static func option(_ option: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
  }
}
