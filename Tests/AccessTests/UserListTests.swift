// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPasswordHash
import Testing

@testable import GantryAccess

struct UserListTests {
  @Test("A name that nobody has takes as long as one that somebody has, whatever costs there are") func decoys() {
    func line(_ name: String, cost: Int) -> String {
      "\(name):$2y$0\(cost)$" + String(repeating: "a", count: 53) + "\n"
    }
    let users = (0..<30).map { line("user\($0)", cost: $0 < 10 ? 4 : 6) }.joined()
    let list = UserList(parsing: Array(users.utf8))
    #expect(list.faults == [])
    let cache = PasswordCache(secret: [1])
    let costs = (0..<300).map { list.decoy(number: cache.number(of: "nobody\($0)")).cost }
    #expect(Set(costs) == [4, 6])
    #expect((50..<150).contains(costs.count { $0 == 4 }), "a third of the users have it")
    for name in ["a", "b"] { #expect(cache.number(of: name) == cache.number(of: name)) }
    #expect(!list.decoy(number: 1).matches(Array("".utf8)))
    #expect(UserList(parsing: []).decoy(number: 7).cost == BcryptHash.costDefault)
  }
}
