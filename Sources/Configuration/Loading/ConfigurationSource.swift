// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Where the configuration of a command comes from.
public enum ConfigurationSource: Sendable, Equatable {
  /// A file, named by the command line or by `REGISTRY_CONFIGURATION_PATH`.
  case file(String)
  /// No file was named: the built-in default.
  case builtIn

  /// The environment variable that names the file when the command line does not.
  public static let pathVariable = "REGISTRY_CONFIGURATION_PATH"

  /// Chooses as Distribution does: the argument, else the variable when it is not empty; then, unlike Distribution,
  /// the built-in default instead of an error.
  public init(argument: String?, environment: [String: String]) {
    if let path = argument ?? environment[Self.pathVariable], !path.isEmpty {
      self = .file(path)
    } else {
      self = .builtIn
    }
  }
}
