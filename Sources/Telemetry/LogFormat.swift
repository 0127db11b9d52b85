// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
public import Logging

/// How a log line is written; the three forms of Distribution's `log.formatter`.
public enum LogFormat: String, Sendable, Hashable, CaseIterable {
  /// `time="…" level=info msg="…" key=value`, as logrus writes when not on a terminal.
  case text
  /// One JSON object with `level`, `msg`, `time` and the fields.
  case json
  /// One JSON object with `@timestamp`, `@version`, `level`, `message` and the fields.
  case logstash

  /// One line, newline included. Fields stand in the order of their names; one that bears the name of a fixed part is
  /// written as `fields.<name>`, as logrus does. No text can break out of its place.
  public func line(
    time: WallTime, level: Logger.Level, message: String, fields: Logger.Metadata
  ) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(256)
    switch self {
    case .text: appendText(time, level, message, fields, to: &output)
    case .json:
      appendObject(fixed(time, level, message, names: ("time", "level", "msg")), fields, to: &output)
    case .logstash:
      var fixed = fixed(time, level, message, names: ("@timestamp", "level", "message"))
      fixed["@version"] = "1"
      appendObject(fixed, fields, to: &output)
    }
    output.append(UInt8(ascii: "\n"))
    return output
  }

  /// The name of a level in Distribution's words; its levels have no finer distinction.
  public static func name(of level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "debug"
    case .info, .notice: "info"
    case .warning: "warning"
    case .error, .critical: "error"
    }
  }

  /// The names that fixed parts take, so that a field must not.
  private var reserved: Set<String> {
    switch self {
    case .text, .json: ["time", "level", "msg"]
    case .logstash: ["@timestamp", "@version", "level", "message"]
    }
  }

  private func sorted(_ fields: Logger.Metadata) -> [(name: String, value: Logger.MetadataValue)] {
    let reserved = reserved
    return fields.map { (reserved.contains($0.key) ? "fields.\($0.key)" : $0.key, $0.value) }
      .sorted { $0.0 < $1.0 }
  }

  private func fixed(
    _ time: WallTime, _ level: Logger.Level, _ message: String, names: (String, String, String)
  ) -> Logger.Metadata {
    var text: [UInt8] = []
    time.appendRFC3339(to: &text)
    return [
      names.0: .string(String(decoding: text, as: UTF8.self)), names.1: .string(Self.name(of: level)),
      names.2: .string(message),
    ]
  }
}

// The text form.
extension LogFormat {
  private func appendText(
    _ time: WallTime, _ level: Logger.Level, _ message: String, _ fields: Logger.Metadata, to output: inout [UInt8]
  ) {
    output.append(contentsOf: "time=\"".utf8)
    time.appendRFC3339(to: &output)
    output.append(contentsOf: "\" level=\(Self.name(of: level)) msg=".utf8)
    Self.appendTextValue(message, to: &output)
    for field in sorted(fields) {
      output.append(0x20)
      Self.appendName(field.name, to: &output)
      output.append(UInt8(ascii: "="))
      Self.appendTextValue(Self.plain(field.value), to: &output)
    }
  }

  /// Bare when it has only letters, digits and `-._/@^+`; else in quotes.
  private static func appendTextValue(_ text: String, to output: inout [UInt8]) {
    if text.utf8.count <= LogText.bytesMax, text.utf8.allSatisfy(isBare) {
      output.append(contentsOf: text.utf8)
    } else {
      output.append(UInt8(ascii: "\""))
      LogText.appendEscaped(text, to: &output)
      output.append(UInt8(ascii: "\""))
    }
  }

  /// A name has no quotes to hide in: what could be mistaken for syntax becomes `_`.
  private static func appendName(_ name: String, to output: inout [UInt8]) {
    for byte in name.utf8.prefix(256) { output.append(isBare(byte) ? byte : UInt8(ascii: "_")) }
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "-")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: "^"),
      UInt8(ascii: "+"):
      true
    default: false
    }
  }

  /// The value as Go prints it: `[a b]`, `map[a:1 b:2]`.
  private static func plain(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): text
    case .stringConvertible(let value): value.description
    case .array(let values): "[" + values.map { plain($0) }.joined(separator: " ") + "]"
    case .dictionary(let members):
      "map["
        + members.sorted { $0.key < $1.key }.map { "\($0.key):\(plain($0.value))" }.joined(separator: " ") + "]"
    }
  }
}

// The JSON forms.
extension LogFormat {
  private func appendObject(_ fixed: Logger.Metadata, _ fields: Logger.Metadata, to output: inout [UInt8]) {
    var members = sorted(fields)
    members += fixed.map { ($0.key, $0.value) }
    members.sort { $0.name < $1.name }
    Self.append(members, to: &output)
  }

  private static func append(_ members: [(name: String, value: Logger.MetadataValue)], to output: inout [UInt8]) {
    output.append(UInt8(ascii: "{"))
    for (index, member) in members.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      LogText.appendJSON(member.name, to: &output)
      output.append(UInt8(ascii: ":"))
      append(member.value, to: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  private static func append(_ value: Logger.MetadataValue, to output: inout [UInt8]) {
    switch value {
    case .string(let text): LogText.appendJSON(text, to: &output)
    case .stringConvertible(let value):
      switch value {
      // Numbers and truth values keep their kind.
      case is Int, is Int64, is Int32, is UInt, is UInt64, is UInt32, is UInt16, is Bool:
        output.append(contentsOf: value.description.utf8)
      default: LogText.appendJSON(value.description, to: &output)
      }
    case .array(let values):
      output.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        append(value, to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .dictionary(let members):
      append(members.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }, to: &output)
    }
  }
}
