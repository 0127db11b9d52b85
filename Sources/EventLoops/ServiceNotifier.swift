// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// Tells a service manager how the process is (sd_notify(3)).
///
/// Callable from any thread; never waits: a manager that takes nothing hears nothing.
public final class ServiceNotifier: Sendable {
  /// How often at least the manager wants to hear that the process is alive; nil when it does not.
  public let watchdogTimeout: Duration?
  private let address: ServiceAddress

  /// The notifier of a process that was started by a manager; nil for every other.
  public init?(_ environment: [String: String]) {
    guard let address = environment["NOTIFY_SOCKET"].flatMap({ ServiceAddress($0) }) else { return nil }
    self.address = address
    watchdogTimeout = Self.watchdogTimeout(environment, processID: getpid())
  }

  /// The process serves.
  public func ready() { send("READY=1\nSTATUS=serving\n") }

  /// The process reads its configuration anew; ``ready()`` is due afterwards.
  public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(uv_hrtime() / 1000)\nSTATUS=reloading\n") }

  /// The process begins to stop, and may take this long for it.
  public func stopping(within limit: Duration) {
    let microseconds = limit.wholeNanoseconds / 1000
    send("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=\(microseconds)\n")
  }

  /// The process is alive.
  public func alive() { send("WATCHDOG=1\n") }

  /// Reads `WATCHDOG_USEC` and `WATCHDOG_PID`.
  static func watchdogTimeout(_ environment: [String: String], processID: Int32) -> Duration? {
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0 else { return nil }
    if let pid = environment["WATCHDOG_PID"], Int32(pid) != processID { return nil }
    return .microseconds(microseconds)
  }

  private func send(_ text: String) {
    let descriptor = Int32(gantry_datagram_socket())
    guard descriptor >= 0 else { return }
    defer { Socket.close(descriptor) }
    var target = address.storage
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { buffer in
      unsafe gantry_send_datagram(descriptor, buffer.baseAddress, buffer.count, &target, address.length)
    }
  }
}

/// The address in `NOTIFY_SOCKET`: a path, or an abstract name behind an `@`.
struct ServiceAddress: Sendable {
  let storage: sockaddr_un
  let length: socklen_t

  init?(_ text: String) {
    var name = Array(text.utf8)
    guard let first = name.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), name.count > 1 else {
      return nil
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard name.count < room else { return nil }
    // An abstract name begins with a zero and has no end but its length.
    let isAbstract = first == UInt8(ascii: "@")
    if isAbstract { name[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
      for (index, byte) in name.enumerated() { unsafe target[index] = byte }
    }
    storage = address
    length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1))
  }
}
