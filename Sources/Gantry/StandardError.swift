// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops

/// The standard error stream, for what a program says to a person before its log exists.
public enum StandardError {
  /// Writes the text. Blocks.
  public static func write(_ text: String) {
    SystemProcess.write(Array(text.utf8), to: .errors)
  }
}
