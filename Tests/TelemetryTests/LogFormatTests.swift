// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryWorld
import Logging
import Testing

@Suite struct LogFormatTests {
  static let time = WallTime(seconds: 1_795_341_600, nanoseconds: 123_456_789)

  private func line(
    _ format: LogFormat, _ message: String, _ fields: Logger.Metadata = [:], level: Logger.Level = .info,
    time: WallTime = LogFormatTests.time
  ) -> String {
    String(decoding: format.line(time: time, level: level, message: message, fields: fields), as: UTF8.self)
  }

  @Test func `text as logrus writes it`() {
    #expect(
      line(
        .text, "listening on [::]:5000", ["service": "registry", "http.request.id": "a-b", "n": .stringConvertible(3)])
          == """
          time="2026-11-22T10:00:00.123456789Z" level=info msg="listening on [::]:5000" http.request.id=a-b n=3 \
          service=registry

          """)
    #expect(line(.text, "x", ["e": ""]) == "time=\"2026-11-22T10:00:00.123456789Z\" level=info msg=x e=\n")
  }

  @Test func `json as logrus writes it`() {
    let fields: Logger.Metadata = [
      "a": .stringConvertible(200), "z": .stringConvertible(true), "list": ["x", "y"], "map": ["k": "v"], "msg": "mine",
    ]
    #expect(
      line(.json, "done", fields, level: .error)
        == #"{"a":200,"fields.msg":"mine","level":"error","list":["x","y"],"map":{"k":"v"},"msg":"done","#
        + #""time":"2026-11-22T10:00:00.123456789Z","z":true}"# + "\n")
  }

  @Test func `logstash`() {
    #expect(
      line(.logstash, "done", ["type": "t", "message": "mine"], level: .warning)
        == #"{"@timestamp":"2026-11-22T10:00:00.123456789Z","@version":"1","fields.message":"mine","level":"warning","#
        + #""message":"done","type":"t"}"# + "\n")
  }

  @Test(arguments: [
    (WallTime(seconds: 0), "1970-01-01T00:00:00Z"), (WallTime(seconds: -1), "1969-12-31T23:59:59Z"),
    (WallTime(seconds: 951_782_399), "2000-02-28T23:59:59Z"), (WallTime(seconds: 951_782_400), "2000-02-29T00:00:00Z"),
    (WallTime(seconds: 951_868_800), "2000-03-01T00:00:00Z"),
    (WallTime(seconds: 4_107_542_400), "2100-03-01T00:00:00Z"),
    (WallTime(seconds: 1_767_225_599), "2025-12-31T23:59:59Z"),
    (WallTime(seconds: 1, nanoseconds: 500_000_000), "1970-01-01T00:00:01.5Z"),
    (WallTime(seconds: 1, nanoseconds: 1), "1970-01-01T00:00:01.000000001Z"),
    (WallTime(seconds: 253_402_300_799), "9999-12-31T23:59:59Z"),
    (WallTime(seconds: -62_135_596_800), "0001-01-01T00:00:00Z"),
  ])
  func `times`(time: WallTime, text: String) {
    #expect(line(.text, "x", time: time).hasPrefix("time=\"\(text)\" "))
  }

  @Test(arguments: zip(Logger.Level.allCases, ["debug", "debug", "info", "info", "warning", "error", "error"]))
  func `levels in Distribution's words`(level: Logger.Level, name: String) {
    #expect(line(.text, "x", level: level).contains(" level=\(name) "))
    #expect(line(.json, "x", level: level).contains("\"level\":\"\(name)\""))
  }

  static let attacks = [
    "a\nlevel=error msg=forged", "a\r\n", "\" forged=1 x=\"", "\\\" x", "\u{1b}[2J", "\0", "\u{2028}x\u{2029}",
    "\u{202e}x",
    "\u{85}", "a b", "=", "\u{7f}", "}{\"level\":\"error\"}",
  ]

  @Test(arguments: attacks, LogFormat.allCases)
  func `no text breaks out of its place`(attack: String, format: LogFormat) throws {
    let written = line(format, attack, ["k": .string(attack), attack: "v", "d": [attack: [.string(attack)]]])
    let body = written.dropLast()
    #expect(written.last == "\n")
    for scalar in body.unicodeScalars {
      #expect(scalar.value >= 0x20 && scalar.value != 0x7F && !("\u{80}"..."\u{9f}").contains(scalar))
      #expect(!["\u{2028}", "\u{2029}", "\u{202e}"].contains(scalar))
    }
    if format == .text {
      // Outside quotes stand only the five pairs.
      var outside = ""
      var isQuoted = false
      var isEscaped = false
      for character in body {
        if isQuoted {
          if isEscaped {
            isEscaped = false
          } else if character == "\\" {
            isEscaped = true
          } else if character == "\"" {
            isQuoted = false
          }
        } else if character == "\"" {
          isQuoted = true
        } else {
          outside.append(character)
        }
      }
      #expect(!isQuoted)
      #expect(outside.split(separator: " ").count == 6)
      #expect(outside.count { $0 == "=" } == 6)
    } else {
      #expect(body.first == "{" && body.last == "}")
      #expect(!body.contains("\"level\":\"error\""))
    }
  }

  @Test func `escapes`() {
    let text = "a\"\\\n\r\t\u{1}\u{7f}\u{85}é😀\u{e0001}"
    #expect(line(.text, text).contains(#"msg="a\"\\\n\r\t\x01\x7f\u0085é😀\U000e0001""#))
    #expect(line(.json, text).contains(#""msg":"a\"\\\n\r\t\u0001\u007f\u0085é😀\udb40\udc01""#))
  }

  @Test func `long values are clipped`() {
    for format in LogFormat.allCases {
      let written = line(
        format, String(repeating: "é", count: 100_000), ["k": .string(String(repeating: "x", count: 9000))])
      #expect(written.utf8.count < 17_000)
      #expect(written.contains("é…") && written.contains("x…"))
    }
  }
}
