// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// A registry with an operator's listener, and a client for each of the two.
final class MonitoredRegistry {
  let process: RegistryProcess
  let operations: HTTPClient
  let debugPort: UInt16

  /// `health` are whole lines at the top level.
  init(health: [String] = [], environment: [String: String] = [:], more: [String] = []) throws {
    debugPort = try freePort()
    let debug = [
      "  debug:", "    addr: 127.0.0.1:\(debugPort)", "    prometheus:", "      enabled: true",
    ]
    process = try RegistryProcess(
      RegistrySettings(http: debug, more: health + more, environment: environment))
    operations = HTTPClient(.ip4(port: debugPort))
  }

  func stop() { process.stop() }

  /// The page of metrics.
  func page() throws -> String {
    let response = try operations.send("GET", "/metrics")
    expect(response, 200)
    #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    return response.text
  }

  /// The value of the one sample that begins with the text.
  static func value(_ series: String, in page: String) -> Double? {
    let lines = page.split(separator: "\n").filter { $0.hasPrefix(series + " ") || $0.hasPrefix(series + "{") }
    return lines.count == 1 ? lines[0].split(separator: " ").last.flatMap { Double($0) } : nil
  }

  /// Asks again until the answer has the status, and returns that answer, or the last one when it never has.
  func awaited(_ path: String, _ status: Int) throws -> Response {
    var response = try operations.send("GET", path)
    for _ in 0..<1000 where response.status != status {
      // The wait is for the registry's end, which would be the reason.
      if process.child.hasEnded(within: 10) { throw HarnessError("the registry has ended: \(process.log)") }
      response = try operations.send("GET", path)
    }
    return response
  }

  /// What a condition says in the end: true as soon as it does, false when it never does.
  func comes(_ condition: () throws -> Bool) throws -> Bool {
    for _ in 0..<1000 {
      if try condition() { return true }
      if process.child.hasEnded(within: 10) { return try condition() }
    }
    return false
  }
}
