// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `log` section (and the older top-level `loglevel`).
public struct LogSettings: Sendable, Equatable {
  /// The least severe level that is written.
  public enum Level: String, Sendable, CaseIterable {
    case error, warn, info, debug
  }

  /// The shape of a log line.
  public enum Formatter: String, Sendable, CaseIterable {
    case text, json, logstash
  }

  /// One field of `log.fields`, added to every line.
  public struct Field: Sendable, Equatable {
    /// The field's name as written in the configuration.
    public var name: String
    /// The field's value as text.
    public var value: String

    /// Makes a field from its name and text.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// `log.level`, else `loglevel`; default `info`.
  public var level: Level
  /// `log.formatter`; default `text`.
  public var formatter: Formatter
  /// `log.fields` in the order of the file.
  public var fields: [Field]
  /// `log.accesslog.disabled`; default false: the access log goes to standard output in combined format.
  public var isAccessLogDisabled: Bool
  /// `log.reportcaller`; default false: lines do not name the source location that logged them.
  public var reportsCaller: Bool

  /// Makes the section; every default is Distribution's.
  public init(
    level: Level = .info, formatter: Formatter = .text, fields: [Field] = [], isAccessLogDisabled: Bool = false,
    reportsCaller: Bool = false
  ) {
    self.level = level
    self.formatter = formatter
    self.fields = fields
    self.isAccessLogDisabled = isAccessLogDisabled
    self.reportsCaller = reportsCaller
  }
}
