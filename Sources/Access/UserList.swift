// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPasswordHash

/// The users of an htpasswd file, read as Distribution does: of lines with one name the last counts, blank lines and
/// those that begin with `#` count for nothing.
///
/// Where Distribution lets nobody in while a line has no colon, that line alone is skipped here: it could let nobody in
/// anyway.
struct UserList: LineContent {
  private let hashes: [ExactName: BcryptHash]
  let faults: [LineFault]
  /// The hash that a password is compared with when there is no such user, so that an answer takes as long as for one
  /// whose hash has the cost that most have. No password has it.
  let decoy: BcryptHash

  init(parsing bytes: [UInt8]) {
    var hashes: [ExactName: BcryptHash] = [:]
    var faults: [LineFault] = []
    for (number, text) in bytes.entryLines {
      guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
        faults.append(LineFault(line: number, reason: "expected name:hash"))
        continue
      }
      let name = String(text[..<colon])
      // Whatever an earlier line said: a name whose last line is broken has no password.
      hashes[ExactName(name)] = nil
      guard !name.isEmpty else {
        faults.append(LineFault(line: number, reason: "the name is empty"))
        continue
      }
      do {
        hashes[ExactName(name)] = try BcryptHash(parsing: String(text[text.utf8.index(after: colon)...]))
      } catch {
        faults.append(LineFault(line: number, reason: "\"\(name.prefix(64))\" cannot log in: \(error)"))
      }
    }
    self.hashes = hashes
    self.faults = faults
    decoy = Self.decoy(cost: Self.usualCost(hashes.values.map(\.cost)))
  }

  /// The hash of a user's password; nil when there is no such user.
  func hash(of name: String) -> BcryptHash? { hashes[ExactName(name)] }

  private static func usualCost(_ costs: [Int]) -> Int {
    var counts: [Int: Int] = [:]
    for cost in costs { counts[cost, default: 0] += 1 }
    return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? BcryptHash.costDefault
  }

  private static func decoy(cost: Int) -> BcryptHash {
    let digits = cost < 10 ? "0\(cost)" : "\(cost)"
    do { return try BcryptHash(parsing: "$2y$\(digits)$" + String(repeating: ".", count: 53)) } catch {
      preconditionFailure("53 digits and a cost that was read make a hash")
    }
  }
}
