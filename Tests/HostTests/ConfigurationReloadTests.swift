// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryConfiguration
import GantryEventLoops
import GantryOCI
import GantryRegistry
import GantryTelemetry
import GantryWorld
import Logging
import Synchronization
import Testing

@testable import Gantry

/// What a reload puts in force, and what it leaves as it was: without a process and without a signal.
struct ConfigurationReloadTests {
  private final class Lines: LogSink {
    private let lines = Mutex<[String]>([])
    func write(_ line: [UInt8], isUrgent: Bool) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    var text: String { lines.withLock { $0.joined() } }
  }

  /// A registry's parts that a reload exchanges.
  private final class Registry {
    let group = LoopGroup(loops: 1, workers: 1)
    let lines = Lines()
    let access = AccessSource(nil)
    let protectedTags = ProtectedTags()
    let threshold = LogThreshold(.info)
    private let reload: ConfigurationReload

    init(_ settings: Settings) {
      let setting = GantryLogHandler.Setting(
        format: .text, sink: lines, clock: group.world.clock, threshold: threshold, staticFields: [:],
        isCallerReported: false)
      reload = ConfigurationReload(
        settings,
        parts: ConfigurationReload.Parts(
          access: access, protectedTags: protectedTags, threshold: threshold, secret: [1], brake: nil),
        world: group.world, logger: Logger(label: "test") { _ in GantryLogHandler(setting) })
    }

    /// Loads and returns what the log says of it.
    func load(_ load: @escaping ConfigurationReload.Load) -> String {
      let before = lines.text.count
      let reload = reload
      RegistryHost.onLoop(of: group) {
        await reload.ask(load)
        await reload.settled()
      }
      return String(lines.text.dropFirst(before))
    }

    func load(_ settings: Settings) -> String {
      load { () throws(StartError) in LoadedConfiguration(settings: settings, diagnostics: []) }
    }

    func mayPull() throws -> Bool {
      let name = try RepositoryName(parsing: "a")
      return access.control?.permits(.pull, to: .anonymous, on: name) ?? true
    }
  }

  private static func settings(_ rules: [AccessSettings.Rule]?) -> Settings {
    var settings = Settings()
    if let rules { settings.access = AccessSettings(rules: rules, isPresent: true) }
    return settings
  }

  private static let pull = AccessSettings.Rule.grant(who: [.anonymous], actions: [.pull], repositories: ["**"])
  private static let push = AccessSettings.Rule.grant(who: [.anonymous], actions: [.push], repositories: ["**"])

  @Test("Rules, protected tags and the level of the log are exchanged, and named") func exchanged() throws {
    let registry = Registry(Self.settings([Self.push]))
    defer { registry.group.stop() }
    #expect(registry.load(Self.settings([Self.pull])).contains("reloaded: access.rules"))
    #expect(try registry.mayPull())
    #expect(registry.load(Self.settings([Self.push])).contains("reloaded: access.rules"))
    #expect(try !registry.mayPull())
    var louder = Self.settings([Self.push, .immutableTags(tags: ["v*"], repositories: ["**"])])
    louder.log.level = .debug
    let news = registry.load(louder)
    #expect(news.contains("access.rules") && news.contains("log.level"), "\(news)")
    #expect(registry.threshold.level == .debug)
    #expect(registry.protectedTags.covers(try Tag(parsing: "v1"), in: try RepositoryName(parsing: "a")))
  }

  @Test("The last rule taken out lets nobody in; the whole section taken out does, and is told loudly")
  func takenOut() throws {
    let registry = Registry(Self.settings([Self.pull]))
    defer { registry.group.stop() }
    _ = registry.load(Self.settings([Self.pull]))
    #expect(try registry.mayPull())
    let silent = registry.load(Self.settings([]))
    #expect(try !registry.mayPull(), "a section without a rule let everybody in")
    #expect(!silent.contains("everybody may do everything"))
    let loud = registry.load(Self.settings(nil))
    #expect(try registry.mayPull())
    #expect(loud.contains("there is neither auth nor access any more: everybody may do everything"), "\(loud)")
  }

  @Test("What is broken is told, and what was in force stays: a file, a list of users that is not there")
  func broken() throws {
    let registry = Registry(Self.settings([Self.pull]))
    defer { registry.group.stop() }
    _ = registry.load(Self.settings([Self.pull]))
    let before = registry.access.control
    let unread = registry.load { () throws(StartError) in throw .settings("it is broken") }
    #expect(unread.contains("it is broken") && unread.contains("what was in force stays"), "\(unread)")
    var absent = Self.settings([Self.push])
    absent.auth = .htpasswd(realm: "r", path: "/nowhere/at/all/users")
    let news = registry.load(absent)
    #expect(news.contains("/nowhere/at/all/users") && news.contains("what was in force stays"), "\(news)")
    #expect(registry.access.control === before)
    #expect(try registry.mayPull())
    // And back to what it was.
    #expect(registry.load(Self.settings([Self.pull])).contains("reloaded: nothing that can be exchanged has changed"))
  }
}
