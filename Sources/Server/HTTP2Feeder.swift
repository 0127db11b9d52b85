// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryWorld

/// Brings the body of one response piece by piece, as the client takes it: nothing is read for a window that is closed.
struct HTTP2Feeder {
  let exchange: HTTP2Exchange
  let connection: HTTP2Connection
  let stream: any ByteStream

  /// Files up to this size are one piece that leaves with the head.
  static let joinedFileBytesMax = 16 << 10

  /// Brings all of a body of at least one byte, or stops when nobody takes it any more.
  func feed(_ body: ResponseBody) async throws(StreamError) {
    switch body {
    case .empty, .bytes: break
    case .file(let file, let region): try await feed(file, region, isLast: true)
    case .pieces(let pieces):
      let pieces = pieces.filter { $0.length > 0 }
      for (index, piece) in pieces.enumerated() {
        try await feed(piece, isLast: index == pieces.count - 1)
      }
    case .stream(let source): try await feed(source)
    }
  }

  private func feed(_ piece: ResponseBody.Piece, isLast: Bool) async throws(StreamError) {
    switch piece {
    case .bytes(let bytes): await give(bytes, 0..<bytes.count, isLast: isLast)
    case .slice(let bytes, let range): await give(bytes, range, isLast: isLast)
    case .file(let file, let region): try await feed(file, region, isLast: isLast)
    }
  }

  private func feed(_ file: any OpenFile, _ region: Range<UInt64>, isLast: Bool) async throws(StreamError) {
    var position = region.lowerBound
    while position < region.upperBound {
      guard await exchange.awaitRoom() else { return }
      let count = min(region.upperBound - position, UInt64(pieceBytes))
      let bytes = try await stream.load(file, from: position, count: Int(count))
      position += count
      hand(bytes, 0..<bytes.count, isLast: isLast && position == region.upperBound)
    }
  }

  private func feed(_ source: any ResponseStream) async throws(StreamError) {
    while await exchange.awaitRoom() {
      let bytes: [UInt8]?
      do {
        bytes = try await source.next()
      } catch {
        throw .closed
      }
      guard let bytes else { return hand([], 0..<0, isLast: true) }
      hand(bytes, 0..<bytes.count, isLast: false)
    }
  }

  private var pieceBytes: Int { connection.assumeIsolated { $0.pieceBytes } }

  private func give(_ bytes: [UInt8], _ range: Range<Int>, isLast: Bool) async {
    if await exchange.awaitRoom() { hand(bytes, range, isLast: isLast) }
  }

  private func hand(_ bytes: [UInt8], _ range: Range<Int>, isLast: Bool) {
    guard !exchange.isCut else { return }
    let stream = exchange.stream
    connection.assumeIsolated { $0.feed(stream, bytes, range, isLast: isLast) }
  }
}
