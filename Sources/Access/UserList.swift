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
  /// A hash that no password has for each user, of the cost of the user's own.
  private let decoys: [BcryptHash]

  init(parsing bytes: [UInt8]) {
    var hashes: [ExactName: BcryptHash] = [:]
    var faults: [LineFault] = []
    for (number, bytes) in bytes.entryLines {
      guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
        faults.append(LineFault(line: number, reason: "expected name:hash"))
        continue
      }
      guard let name = String(validating: bytes[..<colon], as: UTF8.self) else {
        faults.append(.notUTF8(line: number))
        continue
      }
      // Whatever an earlier line said: a name whose last line is broken has no password.
      hashes[ExactName(name)] = nil
      guard !name.isEmpty else {
        faults.append(LineFault(line: number, reason: "the name is empty"))
        continue
      }
      guard let hash = String(validating: bytes[(colon + 1)...], as: UTF8.self) else {
        faults.append(.notUTF8(line: number))
        continue
      }
      do {
        hashes[ExactName(name)] = try BcryptHash(parsing: hash)
      } catch {
        faults.append(LineFault(line: number, reason: "\"\(name.prefix(64))\" cannot log in: \(error)"))
      }
    }
    self.hashes = hashes
    self.faults = faults
    let costs = hashes.isEmpty ? [BcryptHash.costDefault] : hashes.values.map(\.cost).sorted()
    var ofCost: [Int: BcryptHash] = [:]
    for cost in Set(costs) { ofCost[cost] = Self.decoy(cost: cost) }
    decoys = costs.compactMap { ofCost[$0] }
  }

  /// The hash of a user's password; nil when there is no such user.
  func hash(of name: String) -> BcryptHash? { hashes[ExactName(name)] }

  /// The hash that a password is compared with when there is no user of the name with this number. An answer takes as
  /// long as for a user: costs come as often as among users, and always the same one for a name.
  func decoy(number: UInt64) -> BcryptHash { decoys[Int(number % UInt64(decoys.count))] }

  private static func decoy(cost: Int) -> BcryptHash {
    let digits = cost < 10 ? "0\(cost)" : "\(cost)"
    do { return try BcryptHash(parsing: "$2y$\(digits)$" + String(repeating: ".", count: 53)) } catch {
      preconditionFailure("53 digits and a cost that was read make a hash")
    }
  }
}
