// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryLimiting
import GantryPatterns
import GantryTestKit
import GantryWorld
import Testing

/// Whoever guesses is slowed down, and nobody else is.
struct LoginBrakeTests {
  private func origin(_ text: String, seconds: UInt64 = 1000) throws -> LoginOrigin {
    let address: NetworkAddress = try #require(NetworkAddress(text))
    return LoginOrigin(address: address, now: LoopInstant(nanoseconds: seconds * 1_000_000_000))
  }

  private func setting(_ brake: LoginBrake?) throws -> Setting {
    let setting = Setting(brake: brake)
    setting.write(Setting.line("alice", "one") + Setting.line("bob", "two"))
    try setting.start()
    return setting
  }

  /// What came of one login: nil when it was let in.
  private func login(_ field: String, from origin: LoginOrigin, _ setting: Setting) -> AccessError? {
    let control = setting.control
    return setting.simulation.run { () -> AccessError? in
      do throws(AccessError) {
        _ = try await control.caller(authorization: [field], from: origin)
        return nil
      } catch { return error }
    }
  }

  @Test("After its wrong passwords an address has to wait; what is known to be right gets in all the same")
  func guesser() throws {
    let setting = try setting(LoginBrake(failuresPerMinute: 3))
    let (guesser, other) = (try origin("192.0.2.7"), try origin("192.0.2.8"))
    #expect(login(Setting.basic("alice", "one"), from: guesser, setting) == nil)
    for number in 1...3 {
      #expect(login(Setting.basic("bob", "\(number)"), from: guesser, setting) == .passwordRefused(name: "bob"))
    }
    #expect(login(Setting.basic("bob", "4"), from: guesser, setting) == .slowedDown(.seconds(20), name: "bob"))
    #expect(login(Setting.basic("bob", "two"), from: guesser, setting) == .slowedDown(.seconds(20), name: "bob"))
    #expect(login(Setting.basic("alice", "one"), from: guesser, setting) == nil)
    #expect(login(Setting.basic("bob", "two"), from: other, setting) == nil)
    let later = try origin("192.0.2.7", seconds: 1020)
    #expect(login(Setting.basic("bob", "5"), from: later, setting) == .passwordRefused(name: "bob"))
    #expect(login(Setting.basic("bob", "6"), from: later, setting) == .slowedDown(.seconds(20), name: "bob"))
  }

  @Test("Who worked here today is let in however many guess at the same address, also when it has to be compared again")
  func knownUser() throws {
    let setting = try setting(LoginBrake(failuresPerMinute: 3))
    let shared = try origin("192.0.2.7")
    #expect(login(Setting.basic("alice", "one"), from: shared, setting) == nil)
    setting.simulation.wallClock.shift(by: .seconds(301))
    for number in 1...3 { _ = login(Setting.basic("bob", "\(number)"), from: shared, setting) }
    #expect(login(Setting.basic("bob", "two"), from: shared, setting) == .slowedDown(.seconds(20), name: "bob"))
    #expect(login(Setting.basic("alice", "one"), from: shared, setting) == nil)
    #expect(login(Setting.basic("alice", "two"), from: shared, setting) == .slowedDown(.seconds(20), name: "alice"))
    // A new password is a new question, and after a day it is forgotten that the old one was right.
    setting.simulation.wallClock.shift(by: .seconds(86_400))
    #expect(login(Setting.basic("alice", "one"), from: shared, setting) == .slowedDown(.seconds(20), name: "alice"))
  }

  @Test("A site of IPv6 has one turn, however many nets it has, and fills the queue for nobody else")
  func siteOfManyNets() throws {
    let setting = try setting(nil)
    let control = setting.control
    let nets = try (0..<64).map { try origin("2001:db8:0:\(String($0, radix: 16))::1") }
    let others = try (0..<40).map { try origin("192.0.2.\($0)") }
    // Who asked and what came of it, in the order of the answers.
    let order = setting.simulation.run {
      await withTaskGroup(of: (isOther: Bool, error: AccessError?).self) { group in
        for number in 0..<1920 {
          let net = nets[number % nets.count]
          group.addTask {
            (false, await Self.outcome(control, Setting.basic("alice", "\(number)"), net))
          }
          guard number % 48 == 0 else { continue }
          let other = others[number / 48]
          group.addTask { (true, await Self.outcome(control, Setting.basic("bob", "\(number)"), other)) }
        }
        var order: [(isOther: Bool, error: AccessError?)] = []
        for await answer in group { order.append(answer) }
        return order
      }
    }
    #expect(order.filter(\.isOther).allSatisfy { $0.error == .passwordRefused(name: "bob") }, "others were sent away")
    #expect(order.contains { !$0.isOther && $0.error == .busy }, "the queue was never full")
    let place = order.lastIndex { $0.isOther }
    let last = try #require(place)
    let later = order[last...].count { $0.error == .passwordRefused(name: "alice") }
    #expect(later > 100, "only \(later) of the flood's came after everybody else's")
  }

  private static func outcome(_ control: AccessControl, _ field: String, _ origin: LoginOrigin) async -> AccessError? {
    do throws(AccessError) {
      _ = try await control.caller(authorization: [field], from: origin)
      return nil
    } catch { return error }
  }

  @Test("Many right logins at once are no guessing") func honestCrowd() throws {
    let setting = try setting(LoginBrake(failuresPerMinute: 3))
    let (control, origin) = (setting.control, try origin("192.0.2.7"))
    let answers = setting.simulation.run {
      await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<50 {
          group.addTask {
            // What went wrong is told by the count.
            (try? await control.caller(authorization: [Setting.basic("alice", "one")], from: origin)) != nil
          }
        }
        var count = 0
        for await isIn in group where isIn { count += 1 }
        return count
      }
    }
    #expect(answers == 50)
  }

  @Test("One address's flood does not hold up the login of another") func fairness() throws {
    let setting = try setting(nil)
    let (control, flooder, honest) = (setting.control, try origin("192.0.2.7"), try origin("192.0.2.8"))
    let order = setting.simulation.run {
      await withTaskGroup(of: Bool.self) { group in
        for number in 0..<100 {
          group.addTask {
            // A wrong password is what it is.
            _ = try? await control.caller(authorization: [Setting.basic("alice", "\(number)")], from: flooder)
            return false
          }
        }
        group.addTask {
          // As above.
          (try? await control.caller(authorization: [Setting.basic("bob", "two")], from: honest)) != nil
        }
        var order: [Bool] = []
        for await isHonest in group { order.append(isHonest) }
        return order
      }
    }
    let place = try #require(order.firstIndex(of: true))
    #expect(place < 50, "\(place) of the flood's went first")
  }
}
