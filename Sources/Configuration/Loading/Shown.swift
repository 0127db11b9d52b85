// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Text of a configuration as it may appear in a message: one line, of bounded length.
enum Shown {
  static func text(_ text: String) -> String {
    let line = String(
      text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) })
    return text.unicodeScalars.count > 80 ? line + "…" : line
  }
}
