// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@testable import GantryEventLoops

/// What a service manager writes into the environment.
struct ServiceValueTests {
  @Test(
    "Sockets are counted and named",
    arguments: [
      (["LISTEN_PID": "7", "LISTEN_FDS": "1"], ["unknown"]),
      (["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "http:debug"], ["http", "debug"]),
      (["LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "http::"], ["http", "unknown", "unknown"]),
      (["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b:c"], ["a", "b"]),
      (["LISTEN_PID": "8", "LISTEN_FDS": "1"], nil), (["LISTEN_FDS": "1"], nil), (["LISTEN_PID": "7"], nil),
      (["LISTEN_PID": "7", "LISTEN_FDS": "0"], nil), (["LISTEN_PID": "7", "LISTEN_FDS": "-1"], nil),
      (["LISTEN_PID": "7", "LISTEN_FDS": "65"], nil), (["LISTEN_PID": "x", "LISTEN_FDS": "1"], nil),
      ([:], nil),
    ] as [([String: String], [String]?)])
  func sockets(_ environment: [String: String], _ names: [String]?) {
    #expect(ActivatedSockets(environment, processID: 7)?.names == names)
  }

  @Test(
    "The place for notices is a path or an abstract name",
    arguments: [
      ("/run/systemd/notify", true), ("@name", true), ("", false), ("/", false), ("@", false), ("name", false),
      ("vsock:2:1234", false), ("/" + String(repeating: "x", count: 106), true),
      ("/" + String(repeating: "x", count: 107), false),
    ])
  func places(_ text: String, _ isOne: Bool) { #expect((ServiceAddress(text) != nil) == isOne) }

  @Test(
    "The watchdog is this process's own",
    arguments: [
      (["WATCHDOG_USEC": "30000000"], 30), (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"], 30),
      (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], nil), (["WATCHDOG_USEC": "0"], nil),
      (["WATCHDOG_USEC": "soon"], nil), ([:], nil),
    ] as [([String: String], Int?)])
  func watchdog(_ environment: [String: String], _ seconds: Int?) {
    #expect(ServiceNotifier.watchdogTimeout(environment, processID: 7) == seconds.map { .seconds($0) })
  }

  @Test("There is no notifier without a manager") func noManager() {
    #expect(ServiceNotifier([:]) == nil && ServiceNotifier(["NOTIFY_SOCKET": "vsock:2:1"]) == nil)
    // A manager that has gone hears nothing, and nobody waits for it.
    ServiceNotifier(["NOTIFY_SOCKET": "/nowhere/at/all"])?.ready()
  }
}
