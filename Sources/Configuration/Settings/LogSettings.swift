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

  /// Where the audit trail goes.
  public enum AuditFile: Sendable, Equatable {
    /// Standard output, beside the access log.
    case standardOutput
    /// A file, which is appended to.
    case file(path: String)

    /// As it is written in a configuration file.
    public var text: String {
      switch self {
      case .standardOutput: "stdout"
      case .file(let path): path
      }
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

  /// `log.audit.file`: where the audit trail goes; default nowhere.
  public var auditFile: AuditFile?

  /// Makes the section; every default is Distribution's.
  public init(
    level: Level = .info, formatter: Formatter = .text, fields: [Field] = [], isAccessLogDisabled: Bool = false,
    reportsCaller: Bool = false, auditFile: AuditFile? = nil
  ) {
    self.level = level
    self.formatter = formatter
    self.fields = fields
    self.isAccessLogDisabled = isAccessLogDisabled
    self.reportsCaller = reportsCaller
    self.auditFile = auditFile
  }
}
