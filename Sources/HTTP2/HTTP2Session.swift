// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryNGHTTP2
public import GantryHTTPWire

/// The server's side of an HTTP/2 connection as a machine: bytes in, events and bytes out; no sockets and no clock.
///
/// Frames, header compression and flow control are nghttp2's; what is above and beside them is here: heads like
/// those of HTTP/1.1, bodies whose windows open by what was read, responses that are asked for piece by piece, and an
/// end for who asks for too much.
///
/// Isolation: used in one isolation; not `Sendable`. A session that has ended takes nothing more, and what
/// ``produce(into:atMost:)`` still gives is its farewell.
@safe public final class HTTP2Session {
  /// The limits that it was made with.
  public let limits: HTTP2Limits
  /// Why the session was ended by us; nil while it goes on, or when it ended as agreed.
  public internal(set) var ending: HTTP2Ending?

  let wire: WireLimits
  let handle: OpaquePointer
  var streams: [Int32: HTTP2Stream] = [:]
  var floods: FloodGuard
  var scanner = FrameScanner()
  /// CONTINUATION frames of the head that comes.
  var continuations = 0
  /// What a frame was too much of, until those before it are taken in.
  var excess: HTTP2Ending?
  /// What nghttp2 told the client that it broke, as a code of RFC 9113, when it ended the connection for it.
  public internal(set) var brokenRule: UInt32?
  var now: UInt64 = 0
  var events: [HTTP2Event] = []
  var nextEventIndex = 0
  /// Streams whose responses can take more, for ``takeHungry()``.
  var hungry: [Int32] = []
  /// Streams whose sources have to be waited for, for ``takeAbsent()``.
  var absent: [Int32] = []
  /// A streamed response is asked for more when no more than this many bytes of it wait: the next piece is made while
  /// a frame of this one leaves.
  let lowWaterBytes: UInt64 = 16 << 10
  /// Payload of the DATA frames that are written, where the client takes as much. No more than 16 KiB: nghttp2 would
  /// keep a buffer of that size for as long as the session lives.
  public var framePayloadMax = 16 << 10
  /// Streams whose responses have left in what was produced last, for ``finishedStreams``.
  var finished: [Int32] = []
  /// What frames are written to, and how far, while they are produced.
  var output: [UInt8] = []
  var outputMax = 0
  /// Where the DATA frame begins that is written.
  var frameStart = 0
  /// Of the field section that is being decoded.
  var sectionBytes = 0
  var sectionFields = 0
  /// Our settings: the first thing that is said, and be it to somebody whose connection is ended at once.
  private var greeting: [UInt8] = []
  private var saidFarewell = false
  /// Whether a pong is to be asked for once the shutdown was announced.
  private var asksForPong = false
  private var fields: [nghttp2_nv] = unsafe []

  /// The bytes that every connection begins with (RFC 9113, 3.4).
  public static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// Before each frame's payload (RFC 9113, 4.1).
  static let frameHeaderBytes = 9

  /// A session at the start of a connection; our settings are the first thing that it produces.
  public init(limits: HTTP2Limits, wire: WireLimits) {
    self.limits = limits
    self.wire = wire
    floods = FloodGuard(limits)
    unsafe handle = Self.makeHandle(limits)
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
    submitSettings()
    greet()
  }

  deinit {
    unsafe nghttp2_session_del(handle)
  }

  private static func makeHandle(_ limits: HTTP2Limits) -> OpaquePointer {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    var session: OpaquePointer?
    let failures = unsafe [nghttp2_session_callbacks_new(&callbacks), nghttp2_option_new(&options)]
    precondition(failures == [0, 0], "out of memory for an HTTP/2 session")
    defer {
      unsafe nghttp2_session_callbacks_del(callbacks)
      unsafe nghttp2_option_del(options)
    }
    unsafe HTTP2Callbacks.install(in: callbacks)
    // Windows open by what was read, not by what has come.
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    unsafe nghttp2_option_set_max_outbound_ack(options, limits.acknowledgementsMax)
    // We count them ourselves: nghttp2 counts every piece of a frame's header that comes on its own.
    unsafe nghttp2_option_set_max_continuations(options, (limits.continuationsMax + 1) * 9)
    unsafe nghttp2_option_set_max_send_header_block_length(options, 256 << 10)
    let failure = unsafe nghttp2_session_server_new2(&session, callbacks, nil, options)
    guard failure == 0, let session = unsafe session else {
      preconditionFailure("out of memory for an HTTP/2 session")
    }
    return unsafe session
  }

  private func submitSettings() {
    let values: [(nghttp2_settings_id, Int)] = [
      (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streamsMax),
      (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.unreadBodyBytesMax),
      (NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frameBytesMax),
      (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, wire.headBytesMax),
      (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
    ]
    let entries = values.map { nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: UInt32($0.1)) }
    let failure = unsafe nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
    precondition(failure == 0, "limits of HTTP/2 are out of range: \(limits)")
    // Bodies that nobody reads yet never take the room of one that somebody reads.
    let unread = limits.streamsMax * limits.unreadBodyBytesMax
    let window = max(limits.connectionWindowBytes, unread + limits.streamWindowBytes)
    _ = unsafe nghttp2_session_set_local_window_size(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(window))
  }

  private func greet() {
    while true {
      var bytes: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &bytes)
      guard count > 0 else { return }
      unsafe greeting.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
    }
  }

  // MARK: In

  /// Takes bytes that came, all of them.
  ///
  /// - Parameter now: nanoseconds on a clock that never goes back; what floods are measured by.
  public func receive(_ bytes: [UInt8], now: UInt64) {
    guard ending == nil else { return }
    self.now = now
    let count = countFrames(in: bytes)
    let result = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe nghttp2_session_mem_recv(handle, buffer.baseAddress, count)
    }
    if result < 0 { end(for: Int32(result)) }
    ending = ending ?? excess
    // Whatever it is that waits: no client that reads has so much of it wait.
    if waitingFrames > limits.outboundFramesMax + 4 * limits.streamsMax { ending = ending ?? .outboundFrames }
  }

  /// Takes the next event.
  public func nextEvent() -> HTTP2Event? {
    guard nextEventIndex < events.count else {
      // An idle connection holds none.
      events = []
      nextEventIndex = 0
      return nil
    }
    nextEventIndex += 1
    return events[nextEventIndex - 1]
  }

  /// Ends for a failure that nghttp2 reports, unless a callback has said why already.
  func end(for failure: Int32) {
    guard ending == nil else { return }
    switch failure {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: ending = .notHTTP2
    case NGHTTP2_ERR_FLOODED.rawValue: ending = .acknowledgements
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: ending = .continuations
    default: ending = .broken(code: failure)
    }
  }

  // MARK: Out

  /// Appends frames to `target` until there is nothing to say or they are `limit` bytes; the last may go beyond.
  public func produce(into target: inout [UInt8], atMost limit: Int) {
    finished.removeAll(keepingCapacity: true)
    swap(&output, &target)
    outputMax = limit
    if !greeting.isEmpty {
      output.append(contentsOf: greeting)
      greeting = []
    }
    while ending == nil, output.count < limit {
      var bytes: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &bytes)
      if count < 0 { end(for: Int32(count)) }
      guard count > 0 else { break }
      unsafe output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
      // A frame at a time; its type is the fourth byte.
      if asksForPong, count > 3, unsafe bytes?[3] == UInt8(NGHTTP2_GOAWAY.rawValue) { askForPong() }
    }
    if ending != nil { sayFarewell() }
    swap(&output, &target)
  }

  /// The last frame of a session that was ended: GOAWAY (RFC 9113, 6.8), with the reason in words. nghttp2 does not go
  /// on after such an end, so it is written here.
  private func sayFarewell() {
    guard !saidFarewell, let ending else { return }
    saidFarewell = true
    let reason = Array(ending.reason.utf8)
    let last = unsafe UInt32(bitPattern: nghttp2_session_get_last_proc_stream_id(handle))
    output.append(contentsOf: [0, 0, UInt8(8 + reason.count), UInt8(NGHTTP2_GOAWAY.rawValue), 0, 0, 0, 0, 0])
    for number in [last, ending.code.rawValue] {
      for shift: UInt32 in [24, 16, 8, 0] { output.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    output.append(contentsOf: reason)
  }

  /// Whether the connection is to be closed once everything that was produced is written.
  public var isOver: Bool {
    if ending != nil { return saidFarewell }
    return unsafe !wantsWrite && nghttp2_session_want_read(handle) == 0
  }

  /// Whether ``produce(into:atMost:)`` has something to give.
  public var wantsWrite: Bool {
    if ending != nil { return !saidFarewell }
    return unsafe !greeting.isEmpty || nghttp2_session_want_write(handle) != 0
  }

  /// Frames that wait to be produced, those of bodies aside.
  public var waitingFrames: Int { unsafe nghttp2_session_get_outbound_queue_size(handle) }

  /// Takes the streams whose streamed responses can take more, each once until it is fed.
  public func takeHungry() -> [Int32] {
    guard !hungry.isEmpty else { return [] }
    defer { hungry = [] }
    return hungry
  }

  /// The streams whose responses have left, to the last frame, in what was produced last.
  public var finishedStreams: [Int32] { finished }

  /// Whether a head has begun to come and is not complete.
  public var isInFieldSection: Bool { scanner.isInSection }

  // MARK: Ending

  /// Says that no further streams should be begun, and asks for a pong: when it comes, every request that was on its
  /// way has come too, and ``refuseNewStreams()`` loses none.
  public func announceShutdown() {
    guard ending == nil else { return }
    _ = unsafe nghttp2_submit_shutdown_notice(handle)
    asksForPong = true
  }

  /// Behind the notice: submitted together, nghttp2 sends a ping first, and its pong would prove nothing.
  private func askForPong() {
    asksForPong = false
    _ = unsafe nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
  }

  /// Says that no stream after the last that came will be answered. Those under way go on.
  public func refuseNewStreams() {
    guard ending == nil else { return }
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    _ = unsafe nghttp2_submit_goaway(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, HTTP2ErrorCode.noError.rawValue, nil, 0)
  }

  // MARK: Field lines for nghttp2

  /// Calls `body` with a status, a date, a length and fields as nghttp2 takes them, valid for the call.
  func withFields<R>(
    status: HTTPStatus, fields block: Fields, date: [UInt8], length: UInt64?,
    _ body: (UnsafePointer<nghttp2_nv>?, Int) -> R
  ) -> R {
    var text: [UInt8] = []
    text.reserveCapacity(160)
    var marks: [(name: Range<Int>, value: Range<Int>)] = []
    func add(_ name: StaticString, _ value: some Sequence<UInt8>) {
      let start = text.count
      name.withUTF8Buffer { unsafe text.append(contentsOf: $0) }
      let middle = text.count
      text.append(contentsOf: value)
      marks.append((start..<middle, middle..<text.count))
    }
    add(":status", String(status.code).utf8)
    if !date.isEmpty { add("date", date) }
    if let length { add("content-length", String(length).utf8) }
    let rendered = block.rendered
    let lines = Self.lines(of: rendered)
    unsafe fields.removeAll(keepingCapacity: true)
    defer { unsafe fields.removeAll(keepingCapacity: fields.capacity <= 16) }
    return unsafe text.withUnsafeBufferPointer { own in
      unsafe rendered.withUnsafeBufferPointer { given in
        for (name, value) in marks { unsafe fields.append(Self.field(own, name, value)) }
        for (name, value) in lines { unsafe fields.append(Self.field(given, name, value)) }
        // nghttp2 copies them, and writes names in lower case.
        return unsafe fields.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
      }
    }
  }

  private static func field(
    _ bytes: UnsafeBufferPointer<UInt8>, _ name: Range<Int>, _ value: Range<Int>
  ) -> nghttp2_nv {
    let base = unsafe UnsafeMutablePointer(mutating: bytes.baseAddress)
    return unsafe nghttp2_nv(
      name: base?.advanced(by: name.lowerBound), value: base?.advanced(by: value.lowerBound),
      namelen: name.count, valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
  }

  /// Where names and values lie in a block of rendered lines.
  private static func lines(of rendered: [UInt8]) -> [(name: Range<Int>, value: Range<Int>)] {
    var lines: [(name: Range<Int>, value: Range<Int>)] = []
    lines.reserveCapacity(12)
    var start = 0
    var position = 0
    var colon = -1
    let bytes = rendered.span
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: ":"), colon < 0 {
        colon = position
      } else if byte == UInt8(ascii: "\n") {
        // A line is `Name: value` with CR LF at its end.
        lines.append((start..<colon, (colon + 2)..<(position - 1)))
        start = position + 1
        colon = -1
      }
      position += 1
    }
    return lines
  }
}
