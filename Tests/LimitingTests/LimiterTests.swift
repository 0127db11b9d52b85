// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryLimiting
import GantryPatterns
import GantryWorld
import Testing

/// Rates and requests under way, on a clock that the tests move.
struct LimiterTests {
  private func address(_ text: String) throws -> NetworkAddress { try #require(NetworkAddress(text)) }

  private func at(_ milliseconds: UInt64) -> LoopInstant { LoopInstant(nanoseconds: milliseconds * 1_000_000) }

  @Test("A burst is let in, then the rate; the pause that is told is the one that suffices") func rate() throws {
    let limiter = try #require(
      RequestLimiter(address: Allowance(rate: 10, burst: 3), user: Allowance(), exempt: AddressSet()))
    let client = try address("192.0.2.7")
    for _ in 1...3 { #expect(limiter.enter(address: client, at: at(1000)) == nil) }
    let pause = try #require(limiter.enter(address: client, at: at(1000)))
    #expect(pause == .milliseconds(100))
    #expect(limiter.enter(address: client, at: at(1099)) == .milliseconds(1))
    #expect(limiter.enter(address: client, at: at(1100)) == nil)
    #expect(limiter.enter(address: client, at: at(1100)) != nil)
    // Rest fills the burst up again, and no more than that.
    for _ in 1...3 { #expect(limiter.enter(address: client, at: at(60_000)) == nil) }
    #expect(limiter.enter(address: client, at: at(60_000)) != nil)
    #expect(limiter.enter(address: try address("192.0.2.8"), at: at(60_000)) == nil)
    #expect(limiter.enter(address: nil, at: at(60_000)) == nil)
    #expect(!limiter.limitsUsers && limiter.enter(user: "alice", at: at(0)) == nil)
  }

  @Test("One net of IPv6 is one client") func netsOfIPv6() throws {
    let limiter = try #require(RequestLimiter(address: Allowance(rate: 1), user: Allowance(), exempt: AddressSet()))
    #expect(limiter.enter(address: try address("2001:db8::1"), at: at(0)) == nil)
    #expect(limiter.enter(address: try address("2001:db8::ffff:2"), at: at(0)) != nil)
    #expect(limiter.enter(address: try address("2001:db8:0:1::1"), at: at(0)) == nil)
  }

  @Test("So many requests are under way and no more, until one is over") func concurrency() throws {
    let limiter = try #require(
      RequestLimiter(address: Allowance(), user: Allowance(concurrentMax: 2), exempt: AddressSet()))
    #expect(limiter.enter(user: "alice", at: at(0)) == nil && limiter.enter(user: "alice", at: at(0)) == nil)
    #expect(limiter.enter(user: "alice", at: at(0)) == .seconds(1))
    #expect(limiter.enter(user: "bob", at: at(0)) == nil)
    limiter.leave(user: "alice")
    #expect(limiter.enter(user: "alice", at: at(0)) == nil)
    #expect(limiter.enter(user: "alice", at: at(0)) != nil)
    // What was never let in is not given back.
    limiter.leave(user: "carol")
    #expect(limiter.enter(user: "carol", at: at(0)) == nil)
  }

  @Test("Without a limit there is no limiter") func noLimit() {
    #expect(RequestLimiter(address: Allowance(), user: Allowance(), exempt: AddressSet()) == nil)
  }

  @Test("A flood of addresses is forgotten in bounds, and never frees who owes most") func bounds() throws {
    let brake = LoginBrake(failuresPerMinute: 2, addressesMax: 64)
    let guesser = try address("192.0.2.7")
    for _ in 1...2 { #expect(brake.begin(guesser, at: at(0)) == nil) }
    for number in 0..<10_000 as Range<UInt64> {
      let other = NetworkAddress(high: 0, low: 0xFFFF_0A00_0000 + number)
      #expect(brake.begin(other, at: at(1)) == nil)
      #expect(brake.count <= 64)
    }
    #expect(brake.begin(guesser, at: at(2)) != nil)
    // Once all of them rest, nobody is remembered for nothing.
    #expect(brake.begin(guesser, at: at(200_000)) == nil)
  }

  @Test("A site of IPv6 has eight times as many wrong passwords, however many nets it has") func sites() throws {
    let brake = LoginBrake(failuresPerMinute: 3)
    let nets = try (0..<64).map { try address("2001:db8:0:\(String($0, radix: 16))::1") }
    var begun = 0
    for net in nets { for _ in 1...3 where brake.begin(net, at: at(0)) == nil { begun += 1 } }
    #expect(begun == 24)
    // What the site has no more of was not taken of the net.
    #expect(brake.begin(nets[63], at: at(0)) == .nanoseconds(60_000_000_000 / 24))
    #expect(brake.begin(try address("2001:db8:1::1"), at: at(0)) == nil)
    brake.forgive(nets[0])
    #expect(brake.begin(nets[63], at: at(0)) == nil)
  }

  @Test("So many connections of one address are open, and no more, until one ends") func connections() throws {
    let limiter = ConnectionLimiter(connectionsMax: 2, exempt: try AddressSet(["10.0.0.0/8"]))
    let first = try #require(limiter.enter(host: "192.0.2.7"))
    #expect(limiter.enter(host: "::ffff:192.0.2.7") != nil)
    #expect(limiter.enter(host: "192.0.2.7") == nil)
    #expect(limiter.enter(host: "192.0.2.8") != nil)
    for host in ["10.1.2.3", ""] {
      for _ in 1...5 { #expect(limiter.enter(host: host) != nil, "\(host)") }
    }
    limiter.leave(first)
    #expect(limiter.enter(host: "192.0.2.7") != nil)
    #expect(limiter.enter(host: "192.0.2.7") == nil && limiter.count == 2)
  }

  @Test("Users whose names Unicode takes for the same have limits of their own") func equivalentNames() throws {
    let limiter = try #require(
      RequestLimiter(address: Allowance(), user: Allowance(concurrentMax: 1), exempt: AddressSet()))
    #expect(limiter.enter(user: "Kate", at: at(0)) == nil)
    #expect(limiter.enter(user: "\u{212A}ate", at: at(0)) == nil)
    #expect(limiter.enter(user: "Kate", at: at(0)) != nil)
  }

  @Test("Wrong passwords are counted by address, right ones are not") func brake() throws {
    let brake = LoginBrake(failuresPerMinute: 3)
    let (guesser, other) = (try address("192.0.2.7"), try address("192.0.2.8"))
    for _ in 1...20 {
      #expect(brake.begin(other, at: at(0)) == nil)
      brake.forgive(other)
    }
    for _ in 1...3 { #expect(brake.begin(guesser, at: at(0)) == nil) }
    #expect(brake.begin(guesser, at: at(0)) == .seconds(20))
    #expect(brake.begin(other, at: at(0)) == nil)
    #expect(brake.begin(guesser, at: at(20_000)) == nil)
    #expect(brake.begin(nil, at: at(0)) == nil)
  }
}
