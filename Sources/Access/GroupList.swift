// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The groups of a file in the form of Apache's `AuthGroupFile`: `group: user user`. A group may have several lines.
struct GroupList: LineContent {
  /// The groups of each user, sorted.
  private let groups: [ExactName: [String]]
  let faults: [LineFault]

  init(parsing bytes: [UInt8]) {
    var groups: [ExactName: Set<ExactName>] = [:]
    var faults: [LineFault] = []
    for (number, bytes) in bytes.entryLines {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        faults.append(.notUTF8(line: number))
        continue
      }
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
        groups[ExactName(String(user)), default: []].insert(ExactName(String(name)))
      }
    }
    self.groups = groups.mapValues { names in names.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    self.faults = faults
  }

  /// The groups that a user is in.
  func groups(of user: String) -> [String] { groups[ExactName(user)] ?? [] }
}
