// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// Calls on socket descriptors.
enum Socket {
  static func close(_ descriptor: Int32) {
    // A socket's close reports nothing that could still be acted on.
    _ = Glibc.close(descriptor)
  }

  /// Small answers leave at once; heads and bodies are joined by MSG_MORE instead of Nagle's wait. Fails harmlessly on
  /// a unix-domain socket.
  static func setNoDelay(_ descriptor: Int32) {
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
  }

  static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32 = 1) {
    var value = value
    _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Has an IPv6 socket take IPv4 connections too, whatever the system's default is.
  static func setDualStack(_ descriptor: Int32) {
    setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
  }

  /// Who is at the other end; an empty host where the system does not tell.
  static func peer(_ descriptor: Int32) -> PeerAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe getpeername(
        descriptor, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
    }
    return result == 0 ? address(storage, length) : PeerAddress(host: "", port: 0)
  }

  /// The numeric form of a socket address.
  static func address(_ storage: sockaddr_storage, _ length: socklen_t) -> PeerAddress {
    guard Int32(storage.ss_family) != AF_UNIX else { return PeerAddress(host: "", port: 0) }
    var storage = storage
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let result = unsafe withUnsafePointer(to: &storage) { pointer in
      unsafe getnameinfo(
        UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length, &host, socklen_t(host.count),
        &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
    }
    guard result == 0 else { return PeerAddress(host: "", port: 0) }
    return PeerAddress(host: unmapped(text(host)), port: UInt16(text(port)) ?? 0)
  }

  /// An IPv4 address as such where an IPv6 socket shows it as a mapped one (RFC 4291, 2.5.5.2); Distribution logs it so
  /// too.
  private static func unmapped(_ host: String) -> String {
    let prefix = "::ffff:"
    return host.hasPrefix(prefix) && host.utf8.contains(UInt8(ascii: ".")) ? String(host.dropFirst(prefix.count)) : host
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
