// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// Where a connection can be made to: a numeric address and a port.
public struct SocketAddress: Sendable {
  let storage: sockaddr_storage
  let length: socklen_t

  /// The addresses that a host name or a numeric address stands for, in the system's order of preference. Blocks for
  /// the name's resolution.
  public static func resolve(host: String, port: UInt16) throws(ResolutionError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, String(port), &hints, &found)
    guard status == 0, let first = unsafe found else {
      throw ResolutionError(host: host, description: unsafe String(cString: gai_strerror(status)))
    }
    defer { unsafe freeaddrinfo(first) }
    var addresses: [SocketAddress] = []
    var next: UnsafeMutablePointer<addrinfo>? = unsafe first
    while let candidate = unsafe next {
      unsafe next = candidate.pointee.ai_next
      let length = unsafe candidate.pointee.ai_addrlen
      guard let address = unsafe candidate.pointee.ai_addr, Int(length) <= MemoryLayout<sockaddr_storage>.size else {
        continue
      }
      var storage = sockaddr_storage()
      unsafe withUnsafeMutableBytes(of: &storage) { target in
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
      }
      addresses.append(SocketAddress(storage: storage, length: length))
    }
    return addresses
  }

  /// `host:port`, IPv6 in brackets.
  public var description: String { Socket.address(storage, length).description }
}

/// A name that stands for no address.
public struct ResolutionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name.
  public var host: String
  /// The system's words for what is wrong.
  public var description: String
}
