// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The forms of the command line that Distribution's generations accepted and a parser of subcommands does not.
enum CommandLineForms {
  /// Commands of Distribution that are not served yet; as a path, such a word would get an error that explains nothing.
  static let missing: Set = ["garbage-collect"]

  /// `registry CONFIG` is `registry serve CONFIG`.
  static func normalised(_ arguments: [String]) -> [String] {
    guard let first = arguments.first, !first.hasPrefix("-"), !subcommands.contains(first) else { return arguments }
    return ["serve"] + arguments
  }

  private static let subcommands: Set = ["serve", "check", "help"]
}
