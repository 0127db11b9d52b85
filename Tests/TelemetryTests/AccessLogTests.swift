// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryWorld
import Testing

@Suite struct AccessLogTests {
  private func lines(_ entries: [AccessLog.Entry]) -> [String] {
    let recorder = Recorder()
    let log = AccessLog(sink: recorder)
    for entry in entries { log.write(entry) }
    #expect(!recorder.urgencies.contains(true))
    return recorder.texts
  }

  @Test func `combined log format`() {
    let entry = AccessLog.Entry(
      host: "192.0.2.1", user: "frank", time: WallTime(seconds: 971_186_136), method: "GET", target: "/v2/",
      version: "HTTP/1.1", status: 200, bodyBytes: 2326, referer: "http://example.com/a b",
      userAgent: "docker/24 (linux)")
    #expect(
      lines([entry]) == [
        "192.0.2.1 - frank [10/Oct/2000:13:55:36 +0000] \"GET /v2/ HTTP/1.1\" 200 2326 "
          + "\"http://example.com/a b\" \"docker/24 (linux)\"\n"
      ])
    let bare = AccessLog.Entry(
      host: "", time: WallTime(seconds: 0), method: "HEAD", target: "*", version: "HTTP/1.0", status: 404, bodyBytes: 0)
    #expect(lines([bare]) == ["- - - [01/Jan/1970:00:00:00 +0000] \"HEAD * HTTP/1.0\" 404 0 \"\" \"\"\n"])
  }

  @Test func `a trace stands behind the format`() {
    let entry = AccessLog.Entry(
      host: "h", time: WallTime(seconds: 0), method: "GET", target: "/v2/", version: "HTTP/1.1", status: 200,
      bodyBytes: 2, traceID: "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(
      lines([entry])[0].hasSuffix("\"GET /v2/ HTTP/1.1\" 200 2 \"\" \"\" trace=4bf92f3577b34da6a3ce929d0e0e4736\n"))
  }

  @Test func `the time moves on, and back`() {
    let times = [1, 1, 2, 1, 86_400] as [Int64]
    let written = lines(
      times.map {
        AccessLog.Entry(
          host: "h", time: WallTime(seconds: $0), method: "GET", target: "/", version: "HTTP/1.1", status: 200,
          bodyBytes: 0)
      })
    let seconds = ["01/Jan/1970:00:00:01", "01/Jan/1970:00:00:01", "01/Jan/1970:00:00:02", "01/Jan/1970:00:00:01"]
    for (line, text) in zip(written, seconds + ["02/Jan/1970:00:00:00"]) { #expect(line.contains("[\(text) +0000]")) }
  }

  @Test(arguments: LogFormatTests.attacks)
  func `no client forges a line or a part of one`(attack: String) throws {
    let entry = AccessLog.Entry(
      host: attack, user: attack, time: WallTime(seconds: 0), method: attack, target: attack, version: attack,
      status: 200, bodyBytes: 1, referer: attack, userAgent: attack)
    let line = try #require(lines([entry]).first)
    #expect(line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    // Exactly six quotes are not escaped, and host and user hold no space.
    var bare = 0
    var isEscaped = false
    for byte in line.utf8 {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        bare += 1
      }
    }
    #expect(bare == 6)
    #expect(line.split(separator: " ")[1] == "-")
    #expect(line.split(separator: " ")[3] == "[01/Jan/1970:00:00:00")
  }
}
