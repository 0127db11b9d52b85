// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryOCI
import GantryPatterns
import GantryTestKit
import GantryWorld
import Testing

struct AccessControlTests {
  @Test("Right passwords are let in, from the worker and from the cache; all others are not")
  func passwords() throws {
    let setting = Setting()
    setting.write("# staff\n\n  " + Setting.line("alice", "a:b") + Setting.line("bob", "") + Setting.line("ä ö", "ü"))
    try setting.start()
    for _ in 1...2 {
      #expect(try setting.caller(Setting.basic("alice", "a:b")).name == "alice")
      #expect(try setting.caller("bAsIc   " + Setting.basic("alice", "a:b").dropFirst(6)).name == "alice")
      #expect(try setting.caller(Setting.basic("bob", "")).name == "bob")
      #expect(try setting.caller(Setting.basic("ä ö", "ü")).name == "ä ö")
      for wrong in [
        Setting.basic("alice", "a"), Setting.basic("alice", "a:b\0"), Setting.basic("alice", ""),
        Setting.basic("Alice", "a:b"), Setting.basic("carol", "a:b"), Setting.basic("", ""), "Basic", "Basic ",
        "Basic !!",
        "Basic " + Setting.base64(Array("alice".utf8)), "Basic " + Setting.base64([0xFF, 0x3A, 0x61]), "Bearer x",
        "alice",
        "Basic " + String(repeating: "A", count: 10_000),
      ] {
        #expect(throws: AccessError.credentialsRefused, "\(wrong)") { try setting.caller(wrong) }
      }
    }
    #expect(throws: AccessError.credentialsRefused) {
      try setting.caller(Setting.basic("alice", "a:b"), Setting.basic("bob", ""))
    }
    #expect(try setting.caller() == .anonymous)
    #expect(!setting.control.permits(.pull, to: .anonymous, on: try RepositoryName(parsing: "a")))
    #expect(setting.control.permits(.delete, to: Caller(name: "alice"), on: try RepositoryName(parsing: "a")))
    #expect(setting.control.challenge == .basic(realm: "r"))
    #expect(setting.reported == [])
  }

  @Test("A changed file counts from the next request on, cached or not")
  func changes() throws {
    let setting = Setting()
    setting.write(Setting.line("alice", "one") + Setting.line("bob", "two"))
    try setting.start()
    #expect(try setting.caller(Setting.basic("alice", "one")).name == "alice")
    #expect(try setting.caller(Setting.basic("bob", "two")).name == "bob")
    setting.write(Setting.line("alice", "new"))
    #expect(throws: AccessError.credentialsRefused) { try setting.caller(Setting.basic("alice", "one")) }
    #expect(throws: AccessError.credentialsRefused) { try setting.caller(Setting.basic("bob", "two")) }
    #expect(try setting.caller(Setting.basic("alice", "new")).name == "alice")
    // Nobody is let in on what a file said that is gone.
    setting.remove(Setting.usersPath)
    guard
      case .unreadable(let fault) = #expect(
        throws: AccessError.self,
        performing: {
          try setting.caller(Setting.basic("alice", "new"))
        })
    else {
      Issue.record("a missing file is unreadable")
      return
    }
    #expect(fault.path == Setting.usersPath && fault.reason == .absent)
    setting.write(Setting.line("alice", "new"))
    #expect(try setting.caller(Setting.basic("alice", "new")).name == "alice")
  }

  @Test("Broken lines are named, and let nobody in")
  func brokenLines() throws {
    let setting = Setting()
    setting.write(
      "no colon here\n" + Setting.line("alice", "one") + "bob:$apr1$x$y\n:x\ncarol:plain\n"
        + Setting.line("dave", "four")
        + "dave:\n")
    try setting.start()
    #expect(try setting.caller(Setting.basic("alice", "one")).name == "alice")
    for (name, password) in [("bob", ""), ("", "x"), ("carol", "plain"), ("dave", "four"), ("dave", "")] {
      #expect(throws: AccessError.credentialsRefused) { try setting.caller(Setting.basic(name, password)) }
    }
    let lines = setting.reported.map(\.description)
    #expect(lines.count == 5)
    for (line, word) in zip(
      lines, ["/users:1: skipped: expected name:hash", "/users:3: ", "/users:4: ", "/users:5: ", "/users:7: "])
    {
      #expect(line.hasPrefix(word), "\(line)")
      #expect(!line.contains("plain") && !line.contains("apr1"), "\(line)")
    }
  }

  @Test("A missing file of users is made with one user, whose password is told")
  func provisioning() throws {
    let setting = Setting()
    try setting.start()
    guard case .userProvisioned(_, let user, let password) = setting.reported.first else {
      Issue.record("nothing was told")
      return
    }
    #expect(user == "docker")
    #expect(try setting.caller(Setting.basic(user, password)).name == "docker")
    try setting.start()
    #expect(setting.reported.count == 1)
  }

  @Test("The file of users is made with the directories above it, whole or not at all") func provisioningBelow() throws
  {
    let setting = Setting(method: .htpasswd(realm: "r", path: "/auth/deep/htpasswd"))
    try setting.start()
    guard case .userProvisioned(_, let user, let password) = setting.reported.first else {
      Issue.record("nothing was told")
      return
    }
    #expect(try setting.caller(Setting.basic(user, password)).name == "docker")
    let world = setting.simulation.world
    let names = setting.simulation.run {
      // A directory that cannot be listed is not the one that was expected.
      await world.workers.run { (try? world.files.entries("/auth/deep"))?.map(\.name) }
    }
    #expect(names == ["htpasswd"])
  }

  @Test("Whom somebody claimed to be, with a wrong password, is told to the log") func claims() throws {
    let setting = Setting()
    setting.write(Setting.line("alice", "one"))
    try setting.start()
    let control = setting.control
    for name in ["alice", "nobody"] {
      #expect(throws: AccessError.passwordRefused(name: name)) {
        try setting.simulation.run { () throws(AccessError) in
          try await control.caller(authorization: [Setting.basic(name, "wrong")])
        }
      }
    }
  }

  @Test("Lines that are not UTF-8 are skipped: they must not become one name") func notUTF8() throws {
    let setting = Setting(groups: true)
    func line(_ first: UInt8, _ password: String) -> [UInt8] { [first] + Array(Setting.line("ric", password).utf8) }
    setting.write(
      line(0xE9, "one") + line(0xFC, "two") + Array(Setting.line("bob", "b").utf8) + Array("bob:".utf8) + [0xFF])
    setting.write(Array("dev: ".utf8) + [0xE9, 0x0A] + Array("ops: bob\n".utf8), to: Setting.groupsPath)
    try setting.start()
    for (name, password) in [("\u{FFFD}ric", "one"), ("\u{FFFD}ric", "two"), ("bob", "b")] {
      #expect(throws: AccessError.credentialsRefused, "\(name)") { try setting.caller(Setting.basic(name, password)) }
    }
    #expect(setting.reported.map(\.description).filter { $0.hasSuffix("skipped: is not UTF-8") }.count == 4)
  }

  @Test("Many requests with one password, right or wrong, are answered alike")
  func crowds() throws {
    let setting = Setting()
    setting.write(Setting.line("alice", "one"))
    try setting.start()
    let (control, world) = (setting.control, setting.simulation.world)
    for (password, isRight) in [("one", true), ("two", false)] {
      let field = Setting.basic("alice", password)
      let answers = setting.simulation.run {
        await withTaskGroup(of: Bool.self) { group in
          for index in 0..<50 {
            group.addTask(executorPreference: world.loops[index % 2]) {
              do throws(AccessError) { return try await control.caller(authorization: [field]).name == "alice" } catch {
                return false
              }
            }
          }
          var answers: [Bool] = []
          for await answer in group { answers.append(answer) }
          return answers
        }
      }
      #expect(answers == Array(repeating: isRight, count: 50))
    }
  }

  @Test("A name is another one as soon as a byte differs, even where Unicode calls both equivalent")
  func equivalentNames() throws {
    // U+212A, the sign of Kelvin, is canonically equivalent to K.
    let (kate, kelvin) = ("Kate", "\u{212A}ate")
    let rules = AccessRules([
      AccessRule(subjects: [.user(kate)], actions: [.pull]), AccessRule(subjects: [.group("K")], actions: [.push]),
    ])
    let setting = Setting(rules: rules, groups: true)
    setting.write(Setting.line(kate, "one") + Setting.line(kelvin, "two"))
    setting.write("K: \(kate)\n", to: Setting.groupsPath)
    try setting.start()
    let name = try RepositoryName(parsing: "a")
    for (user, password, isGranted) in [(kate, "one", true), (kelvin, "two", false)] {
      let caller = try setting.caller(Setting.basic(user, password))
      #expect(setting.control.permits(.pull, to: caller, on: name) == isGranted, "\(user.utf8.count)")
      #expect(setting.control.permits(.push, to: caller, on: name) == isGranted, "\(user.utf8.count)")
    }
    for (user, password) in [(kate, "two"), (kelvin, "one")] {
      #expect(throws: AccessError.credentialsRefused) { try setting.caller(Setting.basic(user, password)) }
    }
    setting.write("K: \(kate)\n\u{212A}: \(kate)\n", to: Setting.groupsPath)
    #expect(try setting.caller(Setting.basic(kate, "one")).groups.count == 2, "one group was lost to the other")
    let stranger = Caller(name: "x", groups: ["\u{212A}"])
    #expect(!setting.control.permits(.push, to: stranger, on: name))
  }

  @Test("Too many different passwords at once are turned away, and nobody waits for ever")
  func flood() throws {
    let setting = Setting()
    setting.write(Setting.line("alice", "one"))
    try setting.start()
    let control = setting.control
    let counts = setting.simulation.run {
      await withTaskGroup(of: AccessError?.self) { group in
        for index in 0..<400 {
          let field = Setting.basic("nobody", "\(index)")
          group.addTask {
            do throws(AccessError) {
              _ = try await control.caller(authorization: [field])
              return nil
            } catch { return error }
          }
        }
        var counts: (refused: Int, busy: Int) = (0, 0)
        for await answer in group {
          if answer == .passwordRefused(name: "nobody") { counts.refused += 1 }
          if answer == .busy { counts.busy += 1 }
        }
        return [counts.refused, counts.busy]
      }
    }
    #expect(counts[0] + counts[1] == 400)
    #expect(counts[0] > 100 && counts[1] > 100, "\(counts)")
    #expect(try setting.caller(Setting.basic("alice", "one")).name == "alice")
  }

  @Test("silly sees one user in everybody who sends anything")
  func silly() throws {
    let setting = Setting(method: .silly(realm: "r", service: "s"))
    try setting.start()
    #expect(try setting.caller("whatever").name == "silly")
    #expect(try setting.caller().name == nil)
    #expect(setting.control.challenge == .bearer(realm: "r", service: "s"))
  }
}

struct AccessRulesTests {
  static func rules() throws -> AccessRules {
    AccessRules([
      AccessRule(subjects: [.anyone], repositories: [try Glob("public/**")], actions: [.pull]),
      AccessRule(subjects: [.anyUser], actions: [.pull, .catalog]),
      AccessRule(subjects: [.user("alice"), .group("dev")], repositories: [try Glob("dev/*")], actions: [.push]),
      AccessRule(subjects: [.group("ops")], actions: [.delete]),
    ])
  }

  @Test("The first rule that grants is found; what none grants is denied")
  func grants() throws {
    let rules = try Self.rules()
    let (nobody, alice, bob) = (Caller.anonymous, Caller(name: "alice"), Caller(name: "bob", groups: ["dev", "ops"]))
    let cases: [(Caller, AccessAction, String, Int?)] = [
      (nobody, .pull, "public/a/b", 0), (nobody, .pull, "dev/a", nil), (nobody, .push, "public/a", nil),
      (nobody, .catalog, "public/a", nil), (alice, .pull, "public/a", 0), (alice, .pull, "x", 1),
      (alice, .push, "dev/a", 2), (alice, .push, "dev/a/b", nil), (alice, .push, "public/a", nil),
      (alice, .delete, "dev/a", nil), (bob, .push, "dev/a", 2), (bob, .delete, "x", 3), (bob, .catalog, "x", 1),
    ]
    for (caller, action, name, expected) in cases {
      let found = rules.rule(granting: action, to: caller, on: try RepositoryName(parsing: name))
      #expect(found == expected, "\(caller.name ?? "-") \(action) \(name)")
    }
  }

  @Test("Groups are read from a file, in Apache's form, and again when it changes")
  func groups() throws {
    let setting = Setting(rules: try Self.rules(), groups: true)
    setting.write(Setting.line("bob", "b"))
    setting.write("# groups\ndev: alice bob\nops:\tbob\ntwo words: bob\nnonsense\ndev: carol\n", to: Setting.groupsPath)
    try setting.start()
    #expect(try setting.caller(Setting.basic("bob", "b")).groups == ["dev", "ops"])
    #expect(setting.reported.count == 2)
    setting.write("dev: alice\n", to: Setting.groupsPath)
    #expect(try setting.caller(Setting.basic("bob", "b")).groups == [])
    setting.remove(Setting.groupsPath)
    #expect(throws: AccessError.self) { try setting.caller(Setting.basic("bob", "b")) }
  }

  @Test("Tokens say who it is for a while, and end with the password")
  func tokens() throws {
    let setting = Setting(rules: try Self.rules())
    setting.write(Setting.line("alice", "one"))
    try setting.start()
    #expect(setting.control.challenge == .ownTokens(service: "r"))
    let alice = try setting.caller(Setting.basic("alice", "one"))
    let token = try #require(try setting.token(for: alice))
    let nobodys = try #require(try setting.token(for: .anonymous))
    #expect(try setting.caller("Bearer \(token)") == Caller(name: "alice", credentials: .token))
    let anonymous = try setting.caller("Bearer \(nobodys)")
    #expect(anonymous.name == nil && anonymous.credentials == .token)
    var forged = Array(token)
    for index in [0, 20, 44, 50, 54] {
      let right = forged[index]
      forged[index] = right == "A" ? "B" : "A"
      #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(String(forged))") }
      forged[index] = right
    }
    for text in ["", "x", String(token.dropLast(4)), token + "AAAA", String(repeating: "A", count: 60)] {
      #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(text)") }
    }
    setting.simulation.wallClock.shift(by: .seconds(299))
    #expect(try setting.caller("Bearer \(token)").name == "alice")
    setting.simulation.wallClock.shift(by: .seconds(2))
    #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(token)") }
    let later = try #require(try setting.token(for: alice))
    setting.write(Setting.line("alice", "two"))
    #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(later)") }
    setting.write("")
    #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(later)") }
  }

  @Test("What is remembered of tokens of our own is known at once, until it ends") func rememberedTokens() throws {
    let setting = Setting(rules: try Self.rules(), groups: true)
    setting.write(Setting.line("alice", "one"))
    setting.write("dev: alice\n", to: Setting.groupsPath)
    setting.simulation.wallClock.shift(by: .seconds(10))
    try setting.start()
    let alice = try #require(try setting.token(for: try setting.caller(Setting.basic("alice", "one"))))
    let nobodys = try #require(try setting.token(for: .anonymous))
    #expect(setting.remembered("Bearer \(alice)") == Caller(name: "alice", groups: ["dev"], credentials: .token))
    let nobody = setting.remembered("Bearer \(nobodys)")
    #expect(nobody?.credentials == .token && nobody?.name == nil)
    #expect(setting.remembered("Bearer \(alice)x") == nil)
    setting.simulation.wallClock.shift(by: .seconds(301))
    #expect(setting.remembered("Bearer \(alice)") == nil && setting.remembered("Bearer \(nobodys)") == nil)
  }

  @Test("Who is granted something by a certificate is asked as anybody else, and can still log in")
  func certificates() throws {
    let rules = AccessRules([
      AccessRule(subjects: [.anyCertificate], actions: [.pull]),
      AccessRule(subjects: [.anyUser], actions: [.pull, .push]),
    ])
    let setting = Setting(rules: rules)
    let certified = Caller.anonymous.certified(["ci"])
    #expect(setting.control.challenge == .ownTokens(service: "r"))
    #expect(!setting.control.isWelcome(certified))
    let method = TokenMethod(realm: "r", service: "s", issuer: "i", rootCertificates: "/roots")
    #expect(!Setting(rules: rules, method: .token(method)).control.isWelcome(certified))
    let alone = AccessRules([AccessRule(subjects: [.certificate("ci")], actions: [.pull])])
    let control = Setting(rules: alone, method: .token(method)).control
    #expect(control.isWelcome(certified) && !control.isWelcome(.anonymous))
  }

  @Test("Where nobody is granted anything without a name, no tokens are given out")
  func noTokens() throws {
    let setting = Setting(rules: AccessRules([AccessRule(subjects: [.anyUser], actions: [.pull])]))
    setting.write(Setting.line("alice", "one"))
    try setting.start()
    #expect(setting.control.challenge == .basic(realm: "r"))
    #expect(try setting.token(for: Caller(name: "alice")) == nil)
  }
}
