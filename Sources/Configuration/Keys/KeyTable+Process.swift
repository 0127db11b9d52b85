// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  /// How the process lives.
  static let process: [KeyEntry] = [
    KeyEntry(
      "http.draindelay", .duration, .served, .gantry, fallback: "5s with http.debug.addr, else 0s",
      "How long a registry that was told to stop still serves after it said that it is not ready."),
    KeyEntry("process", .section, .served, .gantry),
    KeyEntry(
      "process.user", .text, .served, .gantry, fallback: "none",
      "Whom the process goes on as, once it listens and has read its keys: a name or a number."),
    KeyEntry(
      "process.group", .text, .served, .gantry, fallback: "none",
      "The group that it goes on in: a name or a number. Not set: the user's own."),
  ]
}
