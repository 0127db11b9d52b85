// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

extension FileError {
  /// Operation, path and the system's words, for the log.
  var explanation: String {
    let words = code == 0 ? "\(reason)" : LoopError.text(code)
    return "\(operation) \(path): \(words)"
  }
}
