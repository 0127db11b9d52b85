// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryNGHTTP2
internal import GantryHTTPWire

// What nghttp2 tells while it reads and writes. Each gives 0 to go on, or the number of nghttp2's that says what else.
extension HTTP2Session {
  /// Stops nghttp2 where it is; ``ending`` says why.
  private func stop(for ending: HTTP2Ending) -> Int32 {
    self.ending = self.ending ?? ending
    return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
  }

  private func guarded(_ body: () throws(HTTP2Ending) -> Void) -> Int32 {
    do throws(HTTP2Ending) {
      try body()
      return 0
    } catch {
      return stop(for: error)
    }
  }

  // MARK: Frames that come

  /// Counts the frames that begin in `bytes`. How many bytes may be taken in: all, or those before the frame that was
  /// too much; ``ending`` says why then.
  func countFrames(in bytes: [UInt8]) -> Int {
    var position = 0
    while let header = scanner.next(in: bytes, at: &position) {
      do throws(HTTP2Ending) {
        try count(header)
      } catch {
        excess = error
        return position
      }
    }
    return bytes.count
  }

  private func count(_ header: FrameScanner.Header) throws(HTTP2Ending) {
    if UInt32(header.kind) != NGHTTP2_CONTINUATION.rawValue { continuations = 0 }
    switch UInt32(header.kind) {
    case NGHTTP2_HEADERS.rawValue: try floods.takeHead(at: now)
    case NGHTTP2_DATA.rawValue:
      let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      if header.length < limits.smallFrameBytes, !endsStream { try floods.takeControlFrame(at: now) }
    case NGHTTP2_RST_STREAM.rawValue: try floods.takeReset(at: now)
    case NGHTTP2_WINDOW_UPDATE.rawValue: try floods.takeWindowUpdate(at: now)
    case NGHTTP2_CONTINUATION.rawValue:
      continuations += 1
      guard continuations <= limits.continuationsMax else { throw .continuations }
      try floods.takeControlFrame(at: now)
    default: try floods.takeControlFrame(at: now)
    }
  }

  /// A frame came whole and was in order.
  func receivedFrame(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    let header = unsafe frame.pointee.hd
    let id = header.stream_id
    let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
      if unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
        return receivedHead(id, endsStream: endsStream)
      } else if endsStream {
        receivedEnd(id)
      }
    case NGHTTP2_DATA.rawValue:
      if endsStream { receivedEnd(id) }
    case NGHTTP2_PING.rawValue:
      if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { events.append(.pong) }
    default: break
    }
    return 0
  }

  /// A frame was not in order, and nghttp2 is about to say so to the client: counted now, since a client that does not
  /// read can have any number of resets wait for it.
  func refusedFrame() -> Int32 {
    guarded { () throws(HTTP2Ending) in try floods.decideReset(at: now) }
  }

  /// A field was not well formed, which makes its request malformed; by itself nghttp2 would pass over some.
  func refusedField() -> Int32 {
    let verdict = refusedFrame()
    return verdict == 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue : verdict
  }

  func beginSection(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    sectionBytes = 0
    sectionFields = 0
    let id = unsafe frame.pointee.hd.stream_id
    guard unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
    // A stream that was reset counts for as long as somebody works for it: else resetting would buy more of them.
    guard streams.count < limits.streamsMax else { return 0 }
    let stream = HTTP2Stream()
    stream.section = FieldSection(limits: wire)
    streams[id] = stream
    return 0
  }

  func received(name: Span<UInt8>, value: Span<UInt8>, on id: Int32) -> Int32 {
    sectionBytes += name.count + value.count
    sectionFields += 1
    guard sectionBytes <= limits.headExcessMax * wire.headBytesMax,
      sectionFields <= limits.headExcessMax * wire.fieldsMax
    else { return stop(for: .headBomb) }
    // Trailers have no section: they are decoded and dropped.
    streams[id]?.section?.add(name: name, value: value)
    return 0
  }

  private func receivedHead(_ id: Int32, endsStream: Bool) -> Int32 {
    guard let stream = streams[id], var section = stream.section else {
      _ = unsafe nghttp2_submit_rst_stream(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, HTTP2ErrorCode.refusedStream.rawValue)
      return refusedFrame()
    }
    floods.payForHeads()
    stream.section = nil
    stream.isBegun = true
    stream.inboundEnded = endsStream
    shareEvenly(id)
    do throws(WireError) {
      events.append(.head(stream: id, try section.finish(endsStream: endsStream)))
    } catch {
      stream.dropsInbound = true
      events.append(.malformed(stream: id, error))
    }
    return 0
  }

  /// Streams take turns, frame by frame, whatever order their client would like: a client that wants it sequential asks
  /// in sequence, and no priority signal costs us anything.
  private func shareEvenly(_ id: Int32) {
    var priority = nghttp2_extpri(urgency: UInt32(NGHTTP2_EXTPRI_DEFAULT_URGENCY), inc: 1)
    _ = unsafe nghttp2_session_change_extpri_stream_priority(handle, id, &priority, 1)
  }

  private func receivedEnd(_ id: Int32) {
    guard let stream = streams[id] else { return }
    stream.inboundEnded = true
    events.append(.body(stream: id))
  }

  func received(_ data: UnsafeBufferPointer<UInt8>, on id: Int32) -> Int32 {
    guard let stream = streams[id], !stream.dropsInbound else {
      _ = unsafe nghttp2_session_consume_connection(handle, data.count)
      return 0
    }
    unsafe stream.inbound.append(data)
    if !stream.isInboundTold {
      stream.isInboundTold = true
      events.append(.body(stream: id))
    }
    return 0
  }

  func closed(_ id: Int32) {
    guard let stream = streams[id] else { return }
    stream.isClosed = true
    stream.outbound.clear()
    guard stream.isBegun else {
      streams[id] = nil
      return
    }
    if !stream.outboundEnded { events.append(.reset(stream: id)) }
  }

  // MARK: Frames that leave

  /// Writes the payload of the next DATA frame, of at most `limit` bytes, behind the room for its header, which
  /// ``write(header:count:)`` fills at once. How many bytes those are.
  func nextFrameBytes(of id: Int32, atMost limit: Int, flags: UnsafeMutablePointer<UInt32>) -> Int {
    guard let stream = streams[id] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
    guard output.count < outputMax else { return Int(NGHTTP2_ERR_PAUSE.rawValue) }
    let waiting = stream.outbound.waiting
    if waiting <= lowWaterBytes, !stream.outbound.isWhole, !stream.isHungry {
      stream.isHungry = true
      hungry.append(id)
    }
    if waiting == 0, !stream.outbound.isWhole {
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    let start = output.count
    makeRoom(for: min(waiting, UInt64(limit)))
    output.append(contentsOf: repeatElement(0, count: Self.frameHeaderBytes))
    let supply = waiting == 0 ? .appended(0) : stream.outbound.take(atMost: limit, into: &output)
    guard case .appended(let count) = supply else {
      output.removeLast(output.count - start)
      guard supply == .absent else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
      stream.isDeferred = true
      absent.append(id)
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    let isLast = stream.outbound.isWhole && stream.outbound.waiting == 0
    if limit < limits.smallFrameBytes, !isLast {
      // Its window is of a few bytes, so a frame costs us more than it carries.
      let verdict = guarded { () throws(HTTP2Ending) in try floods.takeControlFrame(at: now) }
      guard verdict == 0 else {
        output.removeLast(output.count - start)
        return Int(verdict)
      }
    }
    stream.bytesSent += UInt64(count)
    frameStart = start
    let end = isLast ? UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) : 0
    unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue) | end
    return count
  }

  /// Makes room once for all that will be produced where a body fills frames, so that nothing is copied as it grows.
  private func makeRoom(for count: UInt64) {
    guard output.capacity - output.count < Self.frameHeaderBytes + Int(count), count >= framePayloadMax else { return }
    output.reserveCapacity(outputMax + Self.frameHeaderBytes + framePayloadMax)
  }

  /// Writes the header of the DATA frame whose payload was written last.
  func write(header: UnsafeBufferPointer<UInt8>, count: Int) -> Int32 {
    precondition(
      output.count - frameStart == header.count + count && header.count == Self.frameHeaderBytes,
      "a frame of other bytes than were asked for")
    for index in header.indices { unsafe output[frameStart + index] = header[index] }
    floods.payForWindowUpdates()
    return 0
  }

  /// A frame was written.
  func sentFrame(_ header: nghttp2_frame_hd, code: UInt32) -> Int32 {
    let id = header.stream_id
    switch UInt32(header.type) {
    case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
      guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0, let stream = streams[id] else { return 0 }
      stream.outboundEnded = true
      finished.append(id)
      if !stream.inboundEnded {
        _ = unsafe nghttp2_submit_rst_stream(
          handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, HTTP2ErrorCode.noError.rawValue)
      }
    case NGHTTP2_RST_STREAM.rawValue where code != HTTP2ErrorCode.noError.rawValue:
      // A client can have streams reset by what it sends just as well as by resetting them.
      return guarded { () throws(HTTP2Ending) in try floods.sentReset(at: now) }
    case NGHTTP2_GOAWAY.rawValue where code != HTTP2ErrorCode.noError.rawValue:
      brokenRule = code
    default: break
    }
    return 0
  }
}
