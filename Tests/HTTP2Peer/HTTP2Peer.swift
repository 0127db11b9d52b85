// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryNGHTTP2

/// The client's end of an HTTP/2 connection, for tests: writes what it is told, right or wrong, and collects what the
/// server says. Only the decompression of fields is nghttp2's; frames are read here, and nothing is taken on trust.
public final class HTTP2Peer {
  /// What came on one stream.
  public struct Reply: Sendable {
    /// Statuses in order: 100 before the last, perhaps.
    public var statuses: [Int] = []
    /// The fields of the last head.
    public var fields: [(name: String, value: String)] = []
    /// The body so far.
    public var body: [UInt8] = []
    /// How long its DATA frames were.
    public var frames: [Int] = []
    /// Whether the server has ended it.
    public var isEnded = false
    /// With which code it was reset.
    public var resetCode: UInt32?

    /// Nothing so far.
    public init() {}

    /// The final status.
    public var status: Int? { statuses.last { $0 >= 200 } }
    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
    /// Whether nothing more will come.
    public var isOver: Bool { isEnded || resetCode != nil }
    /// The first field of this name.
    public func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }
  }

  /// What a GOAWAY said.
  public struct GoAway: Sendable, Equatable {
    /// The last stream that is answered.
    public var last: UInt32
    /// Why.
    public var code: UInt32
    /// The same in words.
    public var text: String

    /// Makes one, to compare with.
    public init(last: UInt32, code: UInt32, text: String) {
      self.last = last
      self.code = code
      self.text = text
    }
  }

  /// Streams by number.
  public private(set) var replies: [Int32: Reply] = [:]
  /// In their order.
  public private(set) var goAways: [GoAway] = []
  /// Every frame but DATA, in order.
  public private(set) var frames: [HTTP2Frame] = []
  /// The server's settings.
  public private(set) var settings: [UInt16: UInt32] = [:]
  /// What broke a rule.
  public private(set) var complaints: [String] = []
  /// Streams in the order in which their DATA came.
  public private(set) var turns: [Int32] = []
  /// What has to be sent: acknowledgements, and windows where ``opensWindows``.
  public var outgoing: [UInt8] = []
  /// Whether what comes is acknowledged with window updates at once.
  public var opensWindows = true
  /// Whether pings and settings are acknowledged.
  public var acknowledges = true

  private var buffer: [UInt8] = []
  private var inflater: OpaquePointer?
  private static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  /// A client at its start; its preface with these settings waits in ``outgoing``.
  public init(settings: [(UInt16, UInt32)] = []) {
    precondition(nghttp2_hd_inflate_new(&inflater) == 0, "out of memory")
    outgoing = Array(Self.preface.utf8) + HTTP2Frame.settings(settings).bytes
  }

  deinit {
    nghttp2_hd_inflate_del(inflater)
  }

  /// Adds frames to what has to be sent.
  public func send(_ frames: HTTP2Frame...) {
    for frame in frames { outgoing += frame.bytes }
  }

  /// What has to be sent, once.
  public func takeOutgoing() -> [UInt8] {
    defer { outgoing = [] }
    return outgoing
  }

  /// Takes what the server said.
  public func receive(_ bytes: [UInt8]) {
    buffer += bytes
    var start = 0
    while buffer.count - start >= 9 {
      let count = Int(buffer[start]) << 16 | Int(buffer[start + 1]) << 8 | Int(buffer[start + 2])
      guard buffer.count - start >= 9 + count else { break }
      let stream = Int32(bitPattern: HTTP2Frame.number(buffer[(start + 5)...]) & 0x7FFF_FFFF)
      take(
        HTTP2Frame(
          buffer[start + 3], flags: buffer[start + 4], stream: stream, Array(buffer[(start + 9)..<(start + 9 + count)]))
      )
      start += 9 + count
    }
    buffer.removeFirst(start)
  }

  private func take(_ frame: HTTP2Frame) {
    if frame.kind != HTTP2Frame.Kind.data { frames.append(frame) }
    if frames.count == 1, frame.kind != HTTP2Frame.Kind.settings { complaints.append("SETTINGS do not come first") }
    switch frame.kind {
    case HTTP2Frame.Kind.settings: takeSettings(frame)
    case HTTP2Frame.Kind.headers: takeHead(frame)
    case HTTP2Frame.Kind.data: takeData(frame)
    case HTTP2Frame.Kind.reset: replies[frame.stream, default: Reply()].resetCode = HTTP2Frame.number(frame.payload)
    case HTTP2Frame.Kind.ping:
      guard frame.flags & HTTP2Frame.acknowledges == 0, acknowledges else { return }
      send(HTTP2Frame(HTTP2Frame.Kind.ping, flags: HTTP2Frame.acknowledges, frame.payload))
    case HTTP2Frame.Kind.goAway:
      goAways.append(
        GoAway(
          last: HTTP2Frame.number(frame.payload), code: HTTP2Frame.number(frame.payload.dropFirst(4)),
          text: String(decoding: frame.payload.dropFirst(8), as: UTF8.self)))
    default: break
    }
  }

  private func takeSettings(_ frame: HTTP2Frame) {
    guard frame.flags & HTTP2Frame.acknowledges == 0 else { return }
    for start in stride(from: 0, to: frame.payload.count, by: 6) {
      let id = UInt16(frame.payload[start]) << 8 | UInt16(frame.payload[start + 1])
      settings[id] = HTTP2Frame.number(frame.payload[(start + 2)...])
    }
    if acknowledges { send(HTTP2Frame(HTTP2Frame.Kind.settings, flags: HTTP2Frame.acknowledges)) }
  }

  private func takeHead(_ frame: HTTP2Frame) {
    var reply = replies[frame.stream] ?? Reply()
    if reply.isEnded { complaints.append("a head after the end of stream \(frame.stream)") }
    if frame.flags & HTTP2Frame.endHeaders == 0 { complaints.append("a response head in several frames") }
    reply.fields = inflate(frame.payload)
    guard let status = reply.fields.first.flatMap({ $0.name == ":status" ? Int($0.value) : nil }) else {
      return complaints.append("no status first on stream \(frame.stream)")
    }
    for (name, _) in reply.fields where name != name.lowercased() || name == "connection" {
      complaints.append("the field \(name)")
    }
    reply.statuses.append(status)
    reply.isEnded = frame.endsStream
    replies[frame.stream] = reply
  }

  private func takeData(_ frame: HTTP2Frame) {
    guard var reply = replies[frame.stream], reply.status != nil, !reply.isEnded else {
      return complaints.append("DATA before a head or after the end, on stream \(frame.stream)")
    }
    turns.append(frame.stream)
    reply.body += frame.payload
    reply.frames.append(frame.payload.count)
    reply.isEnded = frame.endsStream
    replies[frame.stream] = reply
    guard opensWindows, !frame.payload.isEmpty else { return }
    send(.windowUpdate(0, UInt32(frame.payload.count)))
    if !reply.isEnded { send(.windowUpdate(frame.stream, UInt32(frame.payload.count))) }
  }

  private func inflate(_ block: [UInt8]) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    block.withUnsafeBufferPointer { bytes in
      var at = 0
      while true {
        var field = nghttp2_nv()
        var flags: Int32 = 0
        let count = nghttp2_hd_inflate_hd2(
          inflater, &field, &flags, bytes.baseAddress?.advanced(by: at), bytes.count - at, 1)
        guard count >= 0 else { return complaints.append("fields that cannot be decoded (\(count))") }
        at += count
        if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
          fields.append(
            (
              String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self),
              String(decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
            ))
        }
        if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 { break }
      }
    }
    nghttp2_hd_inflate_end_headers(inflater)
    return fields
  }
}
