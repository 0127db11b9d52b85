// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One remark about a configuration: what is wrong, and where.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// Whether the registry starts all the same.
  public enum Severity: String, Sendable {
    /// The registry starts; something is ignored or means something else than one may think.
    case warning
    /// The registry does not start.
    case error
  }

  /// Whether the registry starts all the same.
  public var severity: Severity
  /// The file as it was named to the loader, or `environment variable NAME`, or `built-in default`.
  public var file: String
  /// The line, counted from 1; 0 where lines mean nothing (an environment variable, a missing key).
  public var line: Int
  /// The column in characters, counted from 1; 0 where there is no line.
  public var column: Int
  /// The dotted path of the key (`http.addr`); empty when the remark is about the whole text.
  public var path: String
  /// What is wrong, and what to do about it. Never holds the value of a secret key.
  public var message: String

  /// Makes a diagnostic.
  public init(severity: Severity, file: String, line: Int, column: Int, path: String, message: String) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  /// `file:line:column: error: path: message`, without the parts that are absent.
  public var description: String {
    let place = line > 0 ? "\(file):\(line):\(column)" : file
    return "\(place): \(severity.rawValue): \(path.isEmpty ? "" : path + ": ")\(message)"
  }
}
