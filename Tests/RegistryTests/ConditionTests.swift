// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryPatterns
import GantryRegistry
import Testing

struct ConditionTests {
  static let one = Digest(algorithm: .sha256, bytes: [UInt8](repeating: 1, count: 32))
  static let two = Digest(algorithm: .sha512, bytes: [UInt8](repeating: 2, count: 64))

  @Test(arguments: [
    (WriteCondition(), true, true, true),
    (WriteCondition(required: .anything), false, true, true),
    (WriteCondition(forbidden: .anything), true, false, false),
    (WriteCondition(required: .oneOf([one])), false, true, false),
    (WriteCondition(forbidden: .oneOf([one])), true, false, true),
    (WriteCondition(required: .oneOf([])), false, false, false),
    (WriteCondition(required: .anything, forbidden: .oneOf([two])), false, true, false),
  ])
  func aConditionHoldsOrNot(_ condition: WriteCondition, _ absent: Bool, _ one: Bool, _ two: Bool) {
    #expect(condition.holds(for: nil) == absent)
    #expect(condition.holds(for: Self.one) == one)
    #expect(condition.holds(for: Self.two) == two)
  }

  @Test(arguments: [
    ([String](), [String](), "https://a.example/x", true), ([], [], "ftp://a.example/x", true),
    ([".*"], [], "https://a.example/x#y", false), ([".*"], [], "relative", false),
    (["^https://good\\.example/"], [], "https://good.example/x", true),
    (["^https://good\\.example/"], [], "https://bad.example/?https://good.example/", false),
    (["example"], ["secret"], "https://a.example/x", true),
    (["example"], ["secret"], "https://a.example/secret", false),
    ([], ["x$"], "https://a.example/x", false), (["one", "two"], [], "http://two.example/", true),
  ])
  func urlsAreAllowedOrNot(_ allow: [String], _ deny: [String], _ url: String, _ isAllowed: Bool) throws {
    let rules = URLRules(allow: try allow.map(Pattern.init), deny: try deny.map(Pattern.init))
    #expect(rules.allows(url) == isAllowed)
  }

  @Test func aURLThatIsTooLongIsAllowedByNoRule() throws {
    let url = "https://a.example/" + String(repeating: "x", count: 8192)
    #expect(!URLRules(allow: [], deny: [try Pattern("secret")]).allows(url))
    #expect(URLRules(allow: [], deny: []).allows(url))
  }
}
