// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The groups of a file in the form of Apache's `AuthGroupFile`: `group: user user`. A group may have several lines.
struct GroupList: LineContent {
  private let groups: [ExactName: Set<String>]
  let faults: [LineFault]

  init(parsing bytes: [UInt8]) {
    var groups: [ExactName: Set<String>] = [:]
    var faults: [LineFault] = []
    for (number, text) in bytes.entryLines {
      guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon != text.startIndex else {
        faults.append(LineFault(line: number, reason: "expected group: user user"))
        continue
      }
      let group = text[..<colon].split { $0 == " " || $0 == "\t" }
      guard group.count == 1, let name = group.first else {
        faults.append(LineFault(line: number, reason: "the name of a group is one word"))
        continue
      }
      for user in text[text.utf8.index(after: colon)...].split(whereSeparator: { $0 == " " || $0 == "\t" }) {
        groups[ExactName(String(user)), default: []].insert(String(name))
      }
    }
    self.groups = groups
    self.faults = faults
  }

  /// The groups that a user is in.
  func groups(of user: String) -> Set<String> { groups[ExactName(user)] ?? [] }
}
