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

  /// Submits a response whose body is known, in memory or in files; false for one that is still to be made.
  func submit(_ response: Response, for exchange: HTTP2Exchange, to method: HTTPMethod) -> Bool {
    let length = response.status.forbidsContent ? nil : response.body.length
    if method == .head || response.status.forbidsContent || length == 0 {
      submit(response, for: exchange, length: length, .none)
      return true
    }
    switch response.body {
    case .empty: submit(response, for: exchange, length: length, .none)
    case .bytes(let bytes): submit(response, for: exchange, length: length, .bytes(bytes))
    case .file(let file, let region):
      let source = HTTP2File(file, to: region.upperBound, of: exchange)
      submit(response, for: exchange, length: length, .pieces([.source(source, region)]))
    case .pieces(let pieces):
      let content = pieces.map { piece -> HTTP2Piece in
        switch piece {
        case .bytes(let bytes): .bytes(bytes, 0..<bytes.count)
        case .slice(let bytes, let range): .bytes(bytes, range)
        case .file(let file, let region): .source(HTTP2File(file, to: region.upperBound, of: exchange), region)
        }
      }
      submit(response, for: exchange, length: length, .pieces(content))
    case .stream: return false
    }
    return true
  }

  func send(_ response: Response, for exchange: HTTP2Exchange, to method: HTTPMethod) async {
    if submit(response, for: exchange, to: method) { return }
    guard case .stream(let source) = response.body else { return }
    submit(response, for: exchange, length: response.body.length, .streamed)
    do {
      while await exchange.awaitRoom() {
        let bytes = try await source.next()
        if exchange.isCut { return }
        session.feed(exchange.stream, bytes ?? [], 0..<(bytes?.count ?? 0), isLast: bytes == nil)
        askToWrite()
        if bytes == nil { return }
      }
    } catch {
      abandon(exchange)
    }
  }

  /// Has the next part of the file in memory that a frame of the exchange had room for.
  func bringFile(of exchange: HTTP2Exchange) async {
    guard !exchange.isCut, let file = exchange.awaitedFile.take() else { return }
    do throws(StreamError) {
      try await file.prepare(by: stream)
      session.resume(exchange.stream)
      askToWrite()
    } catch {
      report(error, of: exchange)
      abandon(exchange)
    }
  }

  /// Breaks off a response that could not be made to its end.
  private func abandon(_ exchange: HTTP2Exchange) {
    session.reset(exchange.stream, .internalError)
    askToWrite()
  }

  /// Tells the log of a response that could not be read to its end.
  func report(_ failure: StreamError, of exchange: HTTP2Exchange) {
    switch failure {
    case .truncatedFile, .unreadableFile:
      shared.report(.responseBroken(failure, target: String(decoding: exchange.head?.path ?? [], as: UTF8.self)))
    case .closed, .reset, .insecure, .failed: break
    }
  }
}
