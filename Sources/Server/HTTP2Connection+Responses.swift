// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

/// How answers become frames.
extension HTTP2Connection {
  func submit(
    _ response: Response, for exchange: HTTP2Exchange, length: UInt64?, _ content: HTTP2Content
  ) {
    session.submitResponse(
      exchange.stream, status: response.status, fields: response.fields,
      date: date.text(at: shared.wallClock.now.seconds), length: length, content: content)
    askToWrite()
  }

  /// Submits a response that is whole in memory; false for another.
  func sendAtOnce(_ response: Response, for exchange: HTTP2Exchange, to method: HTTPMethod) -> Bool {
    let length = response.status.forbidsContent ? nil : response.body.length
    if method == .head || response.status.forbidsContent || length == 0 {
      submit(response, for: exchange, length: length, .none)
      return true
    }
    guard case .bytes(let bytes) = response.body else { return false }
    submit(response, for: exchange, length: length, .bytes(bytes))
    return true
  }

  func send(_ response: Response, for exchange: HTTP2Exchange, to method: HTTPMethod) async {
    if sendAtOnce(response, for: exchange, to: method) { return }
    let length = response.body.length
    // A small file is read before its head leaves, so that both leave together.
    if case .file(let file, let region) = response.body, region.count <= HTTP2Feeder.joinedFileBytesMax {
      do throws(StreamError) {
        let bytes = try await stream.load(file, from: region.lowerBound, count: region.count)
        if !exchange.isCut { submit(response, for: exchange, length: length, .bytes(bytes)) }
      } catch {
        abandon(exchange, error)
      }
      return
    }
    submit(response, for: exchange, length: length, .streamed)
    feeds += 1
    defer { feeds -= 1 }
    do throws(StreamError) {
      try await HTTP2Feeder(exchange: exchange, connection: self, stream: stream).feed(response.body)
    } catch {
      abandon(exchange, error)
    }
  }

  /// How many bytes of one response are read ahead: its share of what the connection may hold, half of it waiting while
  /// the other half is read, in whole frames.
  var pieceBytes: Int {
    let share = shared.limits.http2.responseBytesMax / (2 * max(1, feeds))
    return min(max(share / Self.frameBytes, 1) * Self.frameBytes, 256 << 10)
  }

  /// Brings a piece of a response.
  func feed(_ stream: Int32, _ bytes: [UInt8], _ range: Range<Int>, isLast: Bool) {
    session.feed(stream, bytes, range, isLast: isLast)
    askToWrite()
  }

  /// Breaks off a response that could not be made to its end, and tells the log where that is news.
  private func abandon(_ exchange: HTTP2Exchange, _ failure: StreamError) {
    session.reset(exchange.stream, .internalError)
    askToWrite()
    switch failure {
    case .truncatedFile, .unreadableFile:
      shared.report(.responseBroken(failure, target: String(decoding: exchange.head?.path ?? [], as: UTF8.self)))
    case .closed, .reset, .insecure, .failed: break
    }
  }
}
