// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry

/// What the command says to a person.
enum Console {
  /// Prints a line to standard error.
  static func complain(_ text: String) {
    StandardError.write(text.hasSuffix("\n") ? text : text + "\n")
  }
}
