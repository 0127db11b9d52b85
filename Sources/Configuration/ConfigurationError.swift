// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a configuration was not accepted.
public enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Everything that was found wrong, errors and warnings, in the order of the file; at least one is an error.
  case invalid([Diagnostic])

  /// Everything that was found, errors and warnings.
  public var diagnostics: [Diagnostic] {
    switch self {
    case .invalid(let diagnostics): diagnostics
    }
  }

  /// One line for each diagnostic.
  public var description: String {
    diagnostics.map(\.description).joined(separator: "\n")
  }
}
