// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPWire
import Testing

@Suite("A session carries requests and responses")
struct SessionTests {
  @Test("Requests are answered, and their heads are those of HTTP/1.1")
  func exchange() throws {
    let driver = SessionDriver()
    driver.send(
      .request(1, "GET", "/v2/?n=1", [("accept", "a/b"), ("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2")]))
    #expect(driver.told == ["head 1 GET /v2/"])
    let head = try #require(driver.heads[1])
    #expect(head.version == .http2 && head.framing == .none && head.host == "registry.test")
    #expect(head.fieldText("host") == "registry.test" && head.fieldTexts("cookie") == ["a=1; b=2"])
    #expect(head.query.map { String(decoding: $0, as: UTF8.self) } == "n=1" && head.fieldText("accept") == "a/b")
    let reply = try #require(driver.peer.replies[1])
    #expect(reply.status == 200 && reply.text == "/v2/" && reply.isEnded && reply.resetCode == nil)
    #expect(reply.first("content-length") == "4")
    #expect(driver.peer.settings[3] == 100 && driver.peer.complaints == [] && driver.session.streamCount == 0)
  }

  /// A connection with everything that clients do.
  private static func play(piece: Int) -> (told: [String], replies: [String], body: [UInt8]) {
    let driver = SessionDriver()
    driver.answers = false
    driver.peer.send(.request(1, "POST", "/up", [("content-length", "6")], ends: false))
    driver.peer.send(.request(3, "GET", "/a"), .ping(), .data(1, Array("abc".utf8)))
    driver.peer.send(HTTP2Frame(HTTP2Frame.Kind.headers, stream: 5, Array(HTTP2Frame.block([(":method", "PUT")]))))
    driver.peer.send(
      HTTP2Frame(
        HTTP2Frame.Kind.continuation, flags: HTTP2Frame.endHeaders, stream: 5,
        HTTP2Frame.block([(":scheme", "http"), (":path", "/c"), (":authority", "h")])))
    driver.peer.send(.data(5, Array("xy".utf8)), .head(5, [("checksum", "1")]), .data(1, Array("def".utf8), ends: true))
    driver.peer.send(.request(7, "GET", "/r"), .reset(7), .request(9, "GET", "bad path"))
    driver.settle(piece: piece)
    let body = driver.read(1) + driver.read(5)
    for stream: Int32 in [1, 3, 5] { driver.answer(stream, Array("answer \(stream)".utf8)) }
    driver.settle(piece: piece)
    let replies = driver.peer.replies.sorted { $0.key < $1.key }
      .map { "\($0.key) \($0.value.statuses) \($0.value.text)" }
    return (driver.told, replies, body)
  }

  @Test("However the bytes are cut, the same comes of them", arguments: [1, 2, 3, 7, 9, 16, 100])
  func splits(piece: Int) {
    let whole = Self.play(piece: .max)
    let cut = Self.play(piece: piece)
    #expect(whole.told.contains("head 5 PUT /c") && whole.replies.contains("1 [200] answer 1"))
    #expect(whole.body == Array("abcdefxy".utf8) && whole.body == cut.body)
    #expect(whole.replies == cut.replies)
    // A body may be told of in more parts; nothing else may differ.
    #expect(whole.told.filter { !$0.hasPrefix("body") } == cut.told.filter { !$0.hasPrefix("body") })
  }

  @Test("The window of a body opens by what was read")
  func requestWindow() {
    let driver = SessionDriver()
    driver.answers = false
    driver.send(.request(1, "PATCH", "/up", ends: false))
    let piece = [UInt8](repeating: 7, count: 13_107)
    for _ in 0..<5 { driver.send(.data(1, piece)) }
    let updates = { driver.peer.frames.filter { $0.kind == HTTP2Frame.Kind.windowUpdate && $0.stream == 1 } }
    #expect(updates().isEmpty && driver.session.ending == nil)
    #expect(driver.read(1).count == 65_535)
    driver.settle()
    #expect(!updates().isEmpty)
    // One byte more than the window is the client's fault, and ends no more than it must.
    let greedy = SessionDriver()
    greedy.answers = false
    greedy.send(.request(1, "PATCH", "/up", ends: false))
    for _ in 0..<6 { greedy.send(.data(1, piece)) }
    #expect(greedy.peer.replies[1]?.resetCode == 3 || greedy.peer.goAways.last?.code == 3)
  }

  @Test("Responses take turns, keep to the windows, and are asked for no sooner than they can leave")
  func responseWindows() {
    let driver = SessionDriver()
    driver.answers = false
    driver.peer.opensWindows = false
    for stream: Int32 in [1, 3] { driver.send(.request(stream, "GET", "/")) }
    for stream: Int32 in [1, 3] {
      driver.session.submitResponse(
        stream, status: .ok, fields: Fields(), date: [], length: nil, content: .streamed)
    }
    driver.settle()
    #expect(driver.session.takeHungry().sorted() == [1, 3])
    let piece = [UInt8](repeating: 1, count: 100_000)
    for stream: Int32 in [1, 3] { driver.session.feed(stream, piece, 0..<piece.count, isLast: true) }
    driver.settle()
    // The connection's window is 65 535 bytes: both got a share of it.
    let counts = [1, 3].map { driver.peer.replies[$0]?.body.count ?? 0 }
    #expect(counts[0] + counts[1] == 65_535 && counts.allSatisfy { $0 >= 32_767 }, "\(counts)")
    #expect(driver.peer.turns.prefix(4) == [1, 3, 1, 3])
    #expect(driver.session.waitsForWindow(1) || driver.session.waitsForWindow(3))
    driver.send(.windowUpdate(0, 1 << 20), .windowUpdate(1, 1 << 20), .windowUpdate(3, 1 << 20))
    #expect([1, 3].allSatisfy { driver.peer.replies[$0]?.body == piece && driver.peer.replies[$0]?.isEnded == true })
  }

  @Test("A reader that never quite catches up holds a window, not the body")
  func slowReader() {
    let driver = SessionDriver()
    driver.answers = false
    driver.send(.request(1, "PATCH", "/up", ends: false))
    var (sent, read, seen) = (0, 0, 0)
    var window = 65_535
    var bytes: [UInt8] = []
    while sent < 16 << 20 {
      let count = min(16_384, window - sent, 16 << 20 - sent)
      if count > 0 {
        driver.send(.data(1, [UInt8](repeating: UInt8(truncatingIfNeeded: sent >> 14), count: count)))
        sent += count
      }
      // All but one byte.
      bytes.removeAll(keepingCapacity: true)
      let unread = sent - read
      read += driver.session.readBody(1, into: &bytes, atMost: max(1, min(256 << 10, unread - 1)))
      driver.settle()
      for frame in driver.peer.frames[seen...] where frame.kind == HTTP2Frame.Kind.windowUpdate && frame.stream == 1 {
        window += Int(HTTP2Frame.number(frame.payload))
      }
      seen = driver.peer.frames.count
      guard driver.session.heldBytes <= 2 << 20, driver.session.ending == nil else { break }
    }
    #expect(sent == 16 << 20 && driver.session.heldBytes <= 2 << 20, "\(driver.session.heldBytes) after \(sent)")
  }

  @Test("Frames fit a record of TLS, whatever the client would take", arguments: [16_384, 16_375])
  func frameSize(payload: Int) {
    let driver = SessionDriver(settings: [(4, 1 << 20), (5, 1 << 20)])
    driver.session.framePayloadMax = payload
    driver.answers = false
    driver.send(.windowUpdate(0, 1 << 20), .request(1, "GET", "/"))
    driver.answer(1, [UInt8](repeating: 1, count: 300_000))
    driver.settle()
    #expect(driver.peer.replies[1]?.body.count == 300_000)
    #expect(driver.peer.replies[1]?.frames.dropLast().allSatisfy { $0 == payload } == true)
  }

  /// A file in memory up to somewhere, which breaks off at an end of its own.
  private final class Source: HTTP2BodySource {
    var residentEnd: UInt64
    let failsAt: UInt64
    private(set) var asked: [Int] = []

    init(residentEnd: UInt64, failsAt: UInt64 = .max) {
      self.residentEnd = residentEnd
      self.failsAt = failsAt
    }

    func append(_ count: Int, at offset: UInt64, to output: inout [UInt8]) -> HTTP2Supply {
      asked.append(count)
      if offset >= failsAt { return .failed }
      guard offset < residentEnd else { return .absent }
      let given = Int(min(UInt64(count), residentEnd - offset))
      for index in 0..<given { output.append(UInt8(truncatingIfNeeded: (Int(offset) + index) * 7)) }
      return .appended(given)
    }
  }

  @Test("A source is asked when a frame has room, waited for when it has nothing, and never held")
  func sources() {
    let driver = SessionDriver()
    driver.answers = false
    driver.peer.opensWindows = false
    driver.send(.request(1, "GET", "/"))
    let source = Source(residentEnd: 20_000)
    driver.session.submitResponse(
      1, status: .ok, fields: Fields(), date: [], length: nil,
      content: .pieces([.bytes([9, 1, 2, 9], 1..<3), .source(source, 100..<100_100), .bytes([3], 0..<1)]))
    driver.settle()
    // 19 900 bytes were there.
    #expect(driver.peer.replies[1]?.body.count == 19_902 && driver.session.takeAbsent() == [1])
    #expect(!driver.session.waitsForWindow(1))
    let asked = source.asked.count
    driver.send(.ping())
    #expect(source.asked.count == asked, "it is not asked again before it is told of")
    source.residentEnd = .max
    driver.session.resume(1)
    driver.settle()
    // The window of 65 535 bytes is full, and nobody asks for what has no room.
    #expect(driver.peer.replies[1]?.body.count == 65_535 && driver.session.waitsForWindow(1))
    driver.send(.windowUpdate(0, 1 << 20), .windowUpdate(1, 1 << 20))
    let body = [1, 2] + (100..<100_100).map { UInt8(truncatingIfNeeded: $0 * 7) } + [3]
    #expect(driver.peer.replies[1]?.body == body && driver.peer.replies[1]?.isEnded == true)
    #expect(driver.session.streamCount == 0 && driver.peer.complaints == [])
  }

  @Test("A source that fails resets its stream, and no half frame leaves")
  func failingSource() {
    let driver = SessionDriver()
    driver.answers = false
    driver.send(.request(1, "GET", "/"), .request(3, "GET", "/"))
    driver.session.submitResponse(
      1, status: .ok, fields: Fields(), date: [], length: 50_000,
      content: .pieces([.source(Source(residentEnd: .max, failsAt: 30_000), 0..<50_000)]))
    driver.answer(3, Array("fine".utf8))
    driver.settle()
    #expect(driver.peer.replies[1]?.resetCode == 2 && driver.peer.replies[1]?.isEnded == false)
    #expect(driver.peer.replies[3]?.text == "fine" && driver.session.ending == nil && driver.peer.complaints == [])
    #expect(driver.told.last == "reset 1")
  }

  @Test("What is produced keeps to its limit, one frame aside, and nothing is lost between")
  func pauses() {
    let driver = SessionDriver(settings: [(4, 1 << 20)])
    driver.answers = false
    driver.send(.windowUpdate(0, 1 << 20), .request(1, "GET", "/"), .request(3, "GET", "/"))
    for stream: Int32 in [1, 3] {
      driver.session.submitResponse(
        stream, status: .ok, fields: Fields(), date: [], length: nil,
        content: .pieces([.source(Source(residentEnd: .max), 0..<200_000)]))
    }
    var rounds = 0
    while true {
      var output: [UInt8] = []
      driver.session.produce(into: &output, atMost: 40_000)
      if output.isEmpty { break }
      rounds += 1
      #expect(output.count < 40_000 + 16_393)
      driver.peer.receive(output)
    }
    let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    #expect(driver.peer.replies[1]?.body == body && driver.peer.replies[3]?.body == body && rounds >= 8)
    #expect(driver.peer.turns.prefix(4) == [1, 3, 1, 3] || driver.peer.turns.prefix(4) == [3, 1, 3, 1])
  }

  @Test("A response waits for a window that was never open, its own or the connection's")
  func shutWindows() {
    let driver = SessionDriver(settings: [(4, 0)])
    driver.peer.opensWindows = false
    driver.send(.request(1, "GET", "/a"))
    #expect(driver.session.waitsForWindow(1))
    driver.send(.windowUpdate(1, 10))
    #expect(driver.peer.replies[1]?.text == "/a" && !driver.session.waitsForWindow(1))
    let other = SessionDriver(settings: [(4, 1 << 20)])
    other.peer.opensWindows = false
    other.answers = false
    for stream: Int32 in [1, 3] {
      other.send(.request(stream, "GET", "/a"))
      other.answer(stream, [UInt8](repeating: 1, count: 100_000))
      other.settle()
    }
    #expect(other.peer.replies[1]?.body.count == 65_535 && other.peer.replies[3]?.body.isEmpty == true)
    #expect(other.session.waitsForWindow(1) && other.session.waitsForWindow(3))
  }

  @Test("An early answer ends a body that nobody reads, without a fault")
  func earlyAnswer() {
    let driver = SessionDriver()
    driver.send(.request(1, "POST", "/early", ends: false), .data(1, [1, 2, 3]))
    let reply = driver.peer.replies[1]
    #expect(reply?.status == 200 && reply?.text == "/early" && reply?.isEnded == true && reply?.resetCode == 0)
    driver.send(.data(1, [4]), .request(3, "GET", "/next"))
    #expect(driver.peer.replies[3]?.text == "/next" && driver.session.ending == nil)
  }

  @Test("100 Continue goes before the answer")
  func continues() {
    let driver = SessionDriver()
    driver.answers = false
    driver.send(.request(1, "PUT", "/", [("expect", "100-continue"), ("content-length", "2")], ends: false))
    #expect(driver.heads[1]?.expectsContinue == true)
    driver.session.submitContinue(1)
    driver.settle()
    driver.send(.data(1, [1, 2], ends: true))
    #expect(driver.read(1) == [1, 2] && driver.session.isBodyRead(1))
    driver.answer(1, [])
    driver.settle()
    #expect(driver.peer.replies[1]?.statuses == [100, 200])
  }

  @Test("Going away loses no request that is on its way")
  func goingAway() {
    let driver = SessionDriver()
    driver.answers = false
    driver.send(.request(1, "GET", "/a"))
    driver.session.announceShutdown()
    driver.peer.send(.request(3, "GET", "/late"))
    driver.settle()
    #expect(driver.peer.goAways.map(\.last) == [0x7FFF_FFFF] && driver.told.last == "pong")
    driver.session.refuseNewStreams()
    driver.settle()
    #expect(driver.peer.goAways.last == HTTP2Peer.GoAway(last: 3, code: 0, text: ""))
    driver.send(.request(5, "GET", "/too-late"))
    #expect(driver.heads[5] == nil && !driver.session.isOver)
    for stream: Int32 in [1, 3] { driver.answer(stream, Array("x".utf8)) }
    driver.settle()
    #expect(driver.peer.replies[1]?.text == "x" && driver.peer.replies[3]?.text == "x" && driver.session.isOver)
  }
}
