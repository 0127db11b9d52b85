// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A configuration that the registry can start with, and what is to be said about it.
public struct LoadedConfiguration: Sendable, Equatable {
  /// The effective settings.
  public var settings: Settings
  /// The warnings, in the order of the file, those of environment variables last; none is an error.
  public var diagnostics: [Diagnostic]

  /// Makes a loaded configuration.
  public init(settings: Settings, diagnostics: [Diagnostic]) {
    self.settings = settings
    self.diagnostics = diagnostics
  }
}
