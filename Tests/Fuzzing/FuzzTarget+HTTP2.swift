// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPWire

extension FuzzTarget {
  /// What a client sends after its preface: however cut, the same comes of it; nothing is held beyond the limits, and
  /// what is answered is HTTP/2.
  public static let http2 = FuzzTarget(
    "http2", seeds: http2Seeds,
    words: [
      "\u{0}\u{0}\u{0}\u{4}\u{1}\u{0}\u{0}\u{0}\u{0}",
      "\u{0}\u{0}\u{4}\u{3}\u{0}\u{0}\u{0}\u{0}\u{1}\u{0}\u{0}\u{0}\u{8}",
      "\u{0}\u{0}\u{8}\u{6}\u{0}\u{0}\u{0}\u{0}\u{0}", ":path", "/a", "cookie", "content-length", "\u{7F}",
    ]
  ) { input, random in
    let whole = HTTP2Replay(input, ends: [input.count])
    let cut = HTTP2Replay(input, ends: Splits.random(input.count, &random))
    guard whole.told == cut.told else { return "whole: \(whole.told); in pieces: \(cut.told)" }
    guard whole.bodies == cut.bodies else { return "bodies differ" }
    return whole.complaint ?? cut.complaint
  }

  private static let http2Seeds: [[UInt8]] = {
    var seeds: [[HTTP2Frame]] = []
    seeds.append([.request(1, "GET", "/v2/"), .request(3, "HEAD", "/v2/a/tags/list?n=1"), .ping()])
    seeds.append([.request(1, "PUT", "/u", [("content-length", "3")], ends: false), .data(1, [1, 2, 3], ends: true)])
    seeds.append([.request(1, "POST", "/u", [("expect", "100-continue")], ends: false), .data(1, [1]), .reset(1)])
    let start = HTTP2Frame.block([(":method", "GET"), (":path", "/")])
    let rest = HTTP2Frame.block([(":scheme", "http"), (":authority", "a"), ("cookie", "b"), ("cookie", "c")])
    seeds.append([
      HTTP2Frame(HTTP2Frame.Kind.headers, stream: 1, start),
      HTTP2Frame(HTTP2Frame.Kind.continuation, flags: HTTP2Frame.endHeaders, stream: 1, rest),
    ])
    seeds.append([.settings([(1, 0), (3, 1), (4, 1 << 20), (5, 1 << 16)]), .windowUpdate(0, 1 << 20)])
    seeds.append((0..<30).map { HTTP2Frame.request(Int32($0 * 2 + 1), "GET", "/\($0)") })
    seeds.append([.request(1, "POST", "/u", ends: false), .data(1, []), .head(1, [("trailer", "x")])])
    return seeds.map { frames in frames.flatMap { $0.bytes } }
  }()
}

/// A session that takes an input in pieces and answers what it understood.
struct HTTP2Replay {
  private(set) var told: [String] = []
  private(set) var bodies: [UInt8] = []
  private(set) var complaint: String?

  init(_ input: [UInt8], ends: [Int]) {
    let limits = HTTP2Limits(
      streamsMax: 20, resetsBurst: 10, controlFramesBurst: 20, controlFramesPerSecond: 1)
    let session = HTTP2Session(limits: limits, wire: FuzzTarget.narrow)
    let peer = HTTP2Peer()
    session.receive(peer.takeOutgoing(), now: 0)
    var start = 0
    for end in ends {
      session.receive(Array(input[start..<end]), now: 0)
      start = end
      if session.streamCount > limits.streamsMax { complaint = "\(session.streamCount) streams" }
    }
    var streams: [Int32] = []
    var left: Set<Int32> = []
    takeEvents(of: session, &streams, &left)
    told.append("\(String(describing: session.ending))")
    for stream in streams {
      while session.readBody(stream, into: &bodies, atMost: 100) > 0 {}
      session.submitResponse(
        stream, status: .ok, fields: Fields(), date: [], length: nil, content: .bytes([1, 2, 3]))
    }
    var output: [UInt8] = []
    repeat {
      output.removeAll()
      session.produce(into: &output, atMost: 1000)
      peer.receive(output)
      left.subtract(session.finishedStreams)
      var begun: [Int32] = []
      takeEvents(of: session, &begun, &left)
    } while !output.isEmpty
    complaint = complaint ?? peer.complaints.first ?? session.complaint(about: streams, left: left)
  }

  private mutating func takeEvents(of session: HTTP2Session, _ streams: inout [Int32], _ left: inout Set<Int32>) {
    while let event = session.nextEvent() {
      switch event {
      case .head(let stream, let head):
        told.append("\(stream): \(String(decoding: head.rendered, as: UTF8.self))")
        streams.append(stream)
        left.insert(stream)
      case .malformed(let stream, let error):
        told.append("\(stream): \(error)")
        streams.append(stream)
        left.insert(stream)
      case .body: break
      case .reset(let stream):
        told.append("reset \(stream)")
        left.remove(stream)
      case .pong: told.append("pong")
      }
    }
  }
}

extension HTTP2Session {
  /// Everything is answered and nothing more can be said: no stream is left but those that their client keeps back, and
  /// the one whose head has not come whole. After a rule was broken that ends the connection (seed 54: fields that
  /// cannot be decoded) nghttp2 says GOAWAY and no more: the streams under way end with the connection.
  fileprivate func complaint(about streams: [Int32], left: Set<Int32>) -> String? {
    guard ending == nil, brokenRule == nil else { return isOver ? nil : "a connection that was ended goes on" }
    for stream in left.sorted() where !waitsForWindow(stream) { return "stream \(stream) is left" }
    for stream in streams { release(stream) }
    let unfinished = isInFieldSection ? 1 : 0
    return streamCount > unfinished ? "\(streamCount) streams are left that never began" : nil
  }
}
