// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What is running.
public enum GantryVersion {
  /// The version, as a semantic version.
  public static let text = "0.1.0"

  /// The line of `registry --version`, in the form of Distribution's: program, package, version.
  public static func line(program: String) -> String {
    "\(program) gantry v\(text)"
  }
}
