// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryLimiting
import GantryPatterns
import GantryRegistryAPI
import GantryTestKit
import Testing

/// What is hot is answered at once, without a task, also to callers who are known: by rules, passwords and tokens.
struct FastWayTests {
  private static let target = "/v2/a/manifests/latest"

  private func rules(_ actions: Set<AccessAction>) -> [AccessRule] {
    [AccessRule(subjects: [.anyone], actions: actions), AccessRule(subjects: [.anyUser], actions: [.pull, .push])]
  }

  /// Whether the answer to the second of two equal requests came at once; each of them must be right.
  private func isFast(_ bench: Bench, certificate: [String] = []) -> Bool {
    for _ in 1...2 { #expect(bench.send("GET", Self.target, certificate: certificate).status == 200) }
    return bench.wasAnsweredAtOnce
  }

  /// A registry with one image, whose file of users is old enough to be believed without a look into it.
  private func bench(_ rules: [AccessRule]?, settings: APISettings? = nil, limiter: RequestLimiter? = nil) -> Bench {
    let bench = AccessClauseTests().bench(rules, settings: settings, limiter: limiter)
    bench.simulation.wallClock.shift(by: .seconds(10))
    bench.authorization = AccessClauseTests.alice
    bench.pushImage(to: "a")
    return bench
  }

  @Test("To nobody in particular, where rules let everybody pull") func anonymous() {
    let bench = bench(rules([.pull]))
    bench.authorization = nil
    #expect(isFast(bench))
    let open = Bench()
    open.pushImage(to: "a")
    #expect(isFast(open))
  }

  @Test("To a certificate that a rule grants it to") func certificate() {
    let bench = bench([
      AccessRule(subjects: [.certificate("ci")], actions: [.pull]), AccessRule(subjects: [.anyUser], actions: [.push]),
    ])
    bench.authorization = nil
    #expect(isFast(bench, certificate: ["ci"]))
    #expect(bench.send("GET", Self.target).status == 401 && !bench.wasAnsweredAtOnce)
  }

  @Test("To a password that was right a moment ago, and not once it has to be compared again") func basic() {
    let bench = bench(nil)
    #expect(isFast(bench))
    bench.simulation.wallClock.shift(by: .seconds(301))
    #expect(bench.send("GET", Self.target).status == 200 && !bench.wasAnsweredAtOnce)
    #expect(isFast(bench))
    bench.authorization = "Basic YWxpY2U6eA=="
    #expect(bench.send("GET", Self.target).status == 401 && !bench.wasAnsweredAtOnce)
  }

  @Test("To a token of our own, a user's and nobody's, until it ends") func ownToken() throws {
    let bench = bench(rules([.pull]))
    let users = try AccessClauseTests.token(bench, ["Authorization": AccessClauseTests.alice])
    bench.authorization = nil
    for token in [users, try AccessClauseTests.token(bench)] {
      bench.authorization = token
      #expect(isFast(bench))
    }
    bench.simulation.wallClock.shift(by: .seconds(301))
    #expect(bench.send("GET", Self.target).status == 401 && !bench.wasAnsweredAtOnce)
  }

  @Test("To a token of somebody else's that was right a moment ago") func foreignToken() {
    let clauses = TokenClauseTests()
    let bench = clauses.bench()
    bench.simulation.wallClock.shift(by: .seconds(10))
    bench.authorization = clauses.token(bench, "repository:a:pull,push")
    bench.pushImage(to: "a")
    #expect(isFast(bench))
    bench.authorization = clauses.token(bench, "repository:b:pull,push")
    #expect(bench.send("GET", Self.target).status == 401 && !bench.wasAnsweredAtOnce)
  }

  @Test("Also where clients are limited: what is answered at once counts like everything else") func limits() throws {
    let limiter = RequestLimiter(
      address: Allowance(rate: 1, burst: 100), user: Allowance(rate: 1, burst: 12), exempt: AddressSet())
    let bench = bench(rules([.pull]), limiter: limiter)
    #expect(isFast(bench))
    var answers: [Int] = []
    for _ in 1...12 { answers.append(bench.send("GET", Self.target).status) }
    #expect(answers.contains(200) && answers.last == 429 && !bench.wasAnsweredAtOnce)
    // What the user was refused was not taken of the address twice.
    bench.authorization = nil
    #expect(isFast(bench))
    for _ in 1...100 { answers.append(bench.send("GET", Self.target).status) }
    #expect(answers.suffix(100).contains(200) && answers.last == 429)
  }

  @Test("Also where answers differ by the page that asks") func origins() {
    let settings = APISettings(
      headers: [.init(name: "Access-Control-Allow-Origin", values: ["https://a.test", "https://b.test"])],
      secret: Bench.secret)
    let bench = bench(rules([.pull]), settings: settings)
    #expect(isFast(bench))
    let reply = bench.send("GET", Self.target, ["Origin": "https://b.test"])
    #expect(reply["Access-Control-Allow-Origin"] == "https://b.test" && reply["Vary"] == "Origin")
    #expect(bench.wasAnsweredAtOnce)
  }
}
