// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPWire
import Testing

@Suite("Floods end the connection, and their due number does not")
struct FloodTests {
  struct Flood: Sendable, CustomTestStringConvertible {
    let name: String
    let ending: HTTP2Ending
    /// How many may pass before it ends.
    let bearable: Int
    let settings: [(UInt16, UInt32)]
    let frames: @Sendable (Int) -> [HTTP2Frame]

    init(
      _ name: String, _ ending: HTTP2Ending, bearable: Int, settings: [(UInt16, UInt32)] = [],
      _ frames: @escaping @Sendable (Int) -> [HTTP2Frame]
    ) {
      self.name = name
      self.ending = ending
      self.bearable = bearable
      self.settings = settings
      self.frames = frames
    }

    var testDescription: String { name }
    /// Whether it needs responses.
    var isAnswered: Bool { name.contains("window") }
  }

  /// Each turn's frames; a turn is what a client sends before it reads.
  static let floods = [
    Flood("rapid reset", .resets, bearable: 35) { turn in
      let stream = Int32(turn * 2 + 1)
      return [.request(stream, "GET", "/"), .reset(stream)]
    },
    Flood("streams that we reset", .resets, bearable: 35) { turn in
      let stream = Int32(turn * 2 + 1)
      return [
        .request(stream, "POST", "/", [("content-length", "1")], ends: false),
        .data(stream, [UInt8](repeating: 0, count: 40)),
      ]
    },
    Flood("malformed heads", .resets, bearable: 35) { turn in
      [.head(Int32(turn * 2 + 1), [(":method", "GET")])]
    },
    Flood("heads of streams that are over", .controlFrames, bearable: 90) { turn in
      turn == 0 ? [.request(1001, "GET", "/")] : [.request(Int32(turn % 400) * 2 + 1, "GET", "/")]
    },
    Flood("pings", .controlFrames, bearable: 90) { _ in [.ping()] },
    Flood("settings", .controlFrames, bearable: 90) { turn in [.settings([(4, UInt32(65_535 + turn))])] },
    Flood("priorities", .controlFrames, bearable: 90) { turn in
      [HTTP2Frame(HTTP2Frame.Kind.priority, stream: Int32(turn * 2 + 1), [0, 0, 0, 0, 16])]
    },
    Flood("unknown frames", .controlFrames, bearable: 90) { _ in [HTTP2Frame(0xFE, [1, 2, 3])] },
    Flood("window updates", .controlFrames, bearable: 90) { _ in [.windowUpdate(0, 1)] },
    Flood("empty DATA", .controlFrames, bearable: 90) { turn in
      turn == 0 ? [.request(1, "POST", "/up", ends: false)] : [.data(1, [])]
    },
    Flood("DATA of one byte", .controlFrames, bearable: 90) { turn in
      turn == 0 ? [.request(1, "POST", "/up", ends: false)] : [.data(1, [1])]
    },
    Flood("a window of one byte", .controlFrames, bearable: 40, settings: [(4, 0)]) { turn in
      turn == 0 ? [.request(1, "GET", "/" + String(repeating: "a", count: 8000))] : [.windowUpdate(1, 1)]
    },
  ]

  /// More of what a client can do that has not acknowledged our settings.
  static let unreadFloods =
    floods + [
      Flood("streams beyond the limit", .resets, bearable: 35) { turn in
        let first = turn == 0 ? 0 : turn + 99
        return (first..<(turn == 0 ? 100 : first + 1)).map { .request(Int32($0 * 2 + 1), "POST", "/", ends: false) }
      }
    ]

  /// Like the defaults, and reached sooner.
  private static let limits = HTTP2Limits(resetsBurst: 40, controlFramesBurst: 100)

  /// Nobody reads what the session says, so that nothing leaves: all that it decides is counted, all that waits
  /// bounded.
  @Test("It ends when nothing of what we say is taken, too", arguments: unreadFloods, [false, true])
  func endsUnread(_ flood: Flood, answers: Bool) throws {
    let driver = SessionDriver(limits: Self.limits, settings: flood.settings)
    driver.answers = answers
    driver.peer.acknowledges = false
    driver.deliver(driver.peer.takeOutgoing())
    var turn = 0
    while driver.session.ending == nil, turn < 10_000 {
      driver.deliver(flood.frames(turn).flatMap(\.bytes))
      turn += 1
    }
    #expect(driver.session.ending != nil && turn < 400, "after \(turn)")
    #expect(driver.session.streamCount <= 100 && driver.session.waitingFrames <= 1400)
    driver.settle()
    #expect(driver.peer.goAways.last?.code == 11 && driver.session.isOver)
  }

  /// The cheapest frame there is: nine bytes, refused before anybody looks into them, and each answered with a reset
  /// that waits to be read.
  @Test("Empty heads beyond the client's own limit, of a client that does not read")
  func emptyHeadsUnread() {
    let driver = SessionDriver()
    driver.answers = false
    driver.peer.acknowledges = false
    driver.deliver(driver.peer.takeOutgoing())
    var stream: Int32 = 1
    for _ in 0..<100 {
      driver.deliver(HTTP2Frame.request(stream, "POST", "/", ends: false).bytes)
      stream += 2
    }
    var sent = 0
    while driver.session.ending == nil, sent < 100_000 {
      driver.deliver(HTTP2Frame(HTTP2Frame.Kind.headers, flags: HTTP2Frame.endHeaders, stream: stream).bytes)
      stream += 2
      sent += 1
    }
    #expect(driver.session.ending == .resets && sent < 400 && driver.session.waitingFrames < 1000, "after \(sent)")
  }

  @Test("Whatever it is that waits to be read, it is bounded")
  func waitingFrames() {
    let limits = HTTP2Limits(outboundFramesMax: 100, resetsBurst: 1_000_000, controlFramesBurst: 1_000_000)
    let driver = SessionDriver(limits: limits)
    driver.answers = false
    driver.deliver(driver.peer.takeOutgoing())
    for number in 0..<1000 where driver.session.ending == nil {
      driver.deliver(HTTP2Frame.head(Int32(number * 2 + 1), [(":method", "GET")]).bytes)
    }
    #expect(driver.session.ending == .outboundFrames && driver.session.waitingFrames < 600)
  }

  @Test("It ends, and says why", arguments: floods)
  func ends(_ flood: Flood) throws {
    let driver = SessionDriver(limits: Self.limits, settings: flood.settings)
    driver.answers = flood.isAnswered
    driver.peer.opensWindows = false
    var turn = 0
    while driver.session.ending == nil, turn < 1000 {
      for frame in flood.frames(turn) { driver.peer.send(frame) }
      driver.settle()
      #expect(driver.session.streamCount <= 100)
      turn += 1
    }
    #expect(driver.session.ending == flood.ending && turn > flood.bearable && turn < 400, "after \(turn)")
    let goAway = try #require(driver.peer.goAways.last)
    #expect(goAway.code == 11 && goAway.text == flood.ending.reason && driver.session.isOver)
  }

  @Test("Spread over time it is borne", arguments: floods)
  func bears(_ flood: Flood) {
    let driver = SessionDriver(limits: Self.limits, settings: flood.settings)
    driver.answers = flood.isAnswered
    driver.peer.opensWindows = false
    for turn in 0..<500 {
      for frame in flood.frames(turn) { driver.peer.send(frame) }
      driver.settle()
      driver.now += 60_000_000
    }
    #expect(driver.session.ending == nil)
  }

  @Test("Acknowledgements that nobody reads")
  func unread() {
    let driver = SessionDriver()
    driver.settle()
    driver.deliver((0..<200).flatMap { _ in HTTP2Frame.ping().bytes })
    driver.settle()
    #expect(driver.session.ending == .acknowledgements && driver.peer.goAways.last?.code == 11)
  }

  @Test("A head in too many frames")
  func continuations() {
    let driver = SessionDriver()
    driver.peer.send(HTTP2Frame(HTTP2Frame.Kind.headers, stream: 1, HTTP2Frame.block([(":method", "GET")])))
    for _ in 0..<20 {
      driver.peer.send(HTTP2Frame(HTTP2Frame.Kind.continuation, stream: 1, HTTP2Frame.block([("a", "b")])))
    }
    driver.settle()
    #expect(driver.session.ending == .continuations && driver.peer.goAways.last?.code == 11)
  }

  @Test("A head of which a few bytes stand for megabytes")
  func headBomb() {
    let driver = SessionDriver()
    // One long field into the dynamic table, then its index over and over (RFC 7541, 6.1 and 6.2.1).
    let long = HTTP2Frame.block([("x", String(repeating: "b", count: 3900))])
    let block =
      HTTP2Frame.block([(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])
      + [0x40] + long.dropFirst() + [UInt8](repeating: 0x80 | 62, count: 10_000)
    driver.send(
      HTTP2Frame(
        HTTP2Frame.Kind.headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1, block))
    #expect(driver.session.ending == .headBomb && driver.peer.goAways.last?.code == 11 && driver.heads.isEmpty)
  }

  @Test("Streams beyond the limit are refused; those that were reset count while somebody works for them")
  func streamsMax() {
    let driver = SessionDriver(limits: HTTP2Limits(streamsMax: 10))
    driver.answers = false
    driver.settle()
    for number in 0..<10 { driver.send(.request(Int32(number * 2 + 1), "GET", "/")) }
    #expect(driver.session.streamCount == 10)
    // The client resets them all, but nobody has released them.
    let frames = (0..<10).map { HTTP2Frame.reset(Int32($0 * 2 + 1)).bytes }
    driver.session.receive(frames.flatMap { $0 }, now: 0)
    driver.session.receive(HTTP2Frame.request(21, "GET", "/").bytes, now: 0)
    driver.settle()
    #expect(driver.heads[21] == nil && driver.peer.replies[21]?.resetCode == 7)
    driver.send(.request(23, "GET", "/"))
    #expect(driver.heads[23] != nil, "they were released meanwhile")
  }

  @Test("What is no HTTP/2 is told so")
  func noHTTP2() {
    let driver = SessionDriver()
    _ = driver.peer.takeOutgoing()
    driver.deliver(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    driver.settle()
    #expect(driver.session.ending == .notHTTP2 && driver.peer.goAways.last?.code == 1)
  }

  @Test("A pull whose client opens its windows by 4 KiB is no flood")
  func manyWindowUpdates() {
    let driver = SessionDriver()
    driver.answers = false
    driver.peer.opensWindows = false
    driver.send(.request(1, "GET", "/"))
    let body = [UInt8](repeating: 1, count: 4 << 20)
    driver.answer(1, body)
    driver.settle()
    var seen = 0
    while driver.peer.replies[1]?.isEnded != true, driver.session.ending == nil {
      let came = driver.peer.replies[1]?.body.count ?? 0
      guard came > seen else { break }
      while seen + 4096 <= came || seen < came {
        let step = UInt32(min(4096, came - seen))
        driver.peer.send(.windowUpdate(0, step), .windowUpdate(1, step))
        seen += Int(step)
      }
      driver.settle()
    }
    #expect(driver.session.ending == nil && driver.peer.replies[1]?.body.count == body.count)
  }
}
