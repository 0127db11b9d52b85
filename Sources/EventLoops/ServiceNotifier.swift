// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// Tells a service manager how the process is (sd_notify(3)).
///
/// Callable from any thread. A manager that takes nothing hears nothing; only at the start and the end, which it must
/// not miss, it is given half a second.
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

  /// The process is about to serve, as soon as its storage lets it.
  public func starting() { send("STATUS=starting\n") }

  /// The process serves. A start that is not heard of counts as a failed one, so a manager that is busy is asked again
  /// for a moment when `isStart` holds: not on a loop.
  public func ready(isStart: Bool = false) { send("READY=1\nSTATUS=serving\n", again: isStart ? 100 : 0) }

  /// The process reads its configuration anew; ``ready()`` is due afterwards.
  public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(uv_hrtime() / 1000)\nSTATUS=reloading\n") }

  /// The process begins to stop, and may take this long for it.
  public func stopping(within limit: Duration) {
    let microseconds = limit.wholeNanoseconds / 1000
    send("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=\(microseconds)\n", again: 100)
  }

  /// The process is alive.
  public func alive() { send("WATCHDOG=1\n") }

  /// Reads `WATCHDOG_USEC` and `WATCHDOG_PID`.
  static func watchdogTimeout(_ environment: [String: String], processID: Int32) -> Duration? {
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0 else { return nil }
    if let pid = environment["WATCHDOG_PID"], Int32(pid) != processID { return nil }
    return .microseconds(microseconds)
  }

  private func send(_ text: String, again times: Int = 0) {
    let descriptor = Int32(gantry_datagram_socket())
    guard descriptor >= 0 else { return }
    defer { Socket.close(descriptor) }
    var target = address.storage
    let bytes = Array(text.utf8)
    for attempt in 0...times {
      let result = unsafe bytes.withUnsafeBytes { buffer in
        unsafe gantry_send_datagram(descriptor, buffer.baseAddress, buffer.count, &target, address.length)
      }
      // Its queue is full.
      guard result == -Int(EAGAIN), attempt < times else { return }
      _ = poll(nil, 0, 5)
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
