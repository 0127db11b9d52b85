// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryConfiguration

/// Why a registry did not start.
public enum StartError: Error, Sendable, CustomStringConvertible {
  /// The configuration is wrong; each line names its place.
  case configuration([Diagnostic])
  /// Settings that were made in code, and that no file could have brought here, are wrong.
  case settings(String)
  /// The configuration file cannot be read.
  case unreadableFile(path: String, reason: String)
  /// Users or groups cannot be looked up.
  case access(String)
  /// The certificates cannot be served.
  case tls(String)
  /// The address cannot be listened on.
  case address(String)
  /// The process cannot become the user that it was told to.
  case privileges(String)
  /// The storage is not usable.
  case storage(String)
  /// Signals cannot be watched.
  case signals(String)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .configuration(let diagnostics): diagnostics.map(\.description).joined(separator: "\n")
    case .unreadableFile(let path, let reason): "cannot read the configuration file \(path): \(reason)"
    case .address(let text), .settings(let text): text
    case .access(let text): "users or groups cannot be looked up: \(text)"
    case .tls(let text): "TLS cannot be served: \(text)"
    case .privileges(let text): "process.user: cannot give up privileges: \(text)"
    case .signals(let text): "cannot watch signals: \(text)"
    case .storage(let text): "the storage cannot be used: \(text)"
    }
  }
}
