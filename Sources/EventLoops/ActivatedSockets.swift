// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a service manager says of the sockets that it passes on (sd_listen_fds(3)): descriptors from 3 on, each with a
/// name. A value; nothing is touched.
struct ActivatedSockets: Equatable {
  /// The first descriptor that is passed on.
  static let firstDescriptor: Int32 = 3
  /// More than anybody passes on; beyond it the variable is damaged.
  static let countMax: Int32 = 64

  /// The names, one for each descriptor; `unknown` where none was given.
  let names: [String]

  /// Reads the variables; nil when nothing was passed on to the process of this id.
  init?(_ environment: [String: String], processID: Int32) {
    guard let pid = environment["LISTEN_PID"].flatMap(Int32.init), pid == processID,
      let count = environment["LISTEN_FDS"].flatMap(Int32.init), (1...Self.countMax).contains(count)
    else { return nil }
    let given = (environment["LISTEN_FDNAMES"] ?? "")
      .split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    names = (0..<Int(count)).map { index in
      index < given.count && !given[index].isEmpty ? given[index] : "unknown"
    }
  }
}
