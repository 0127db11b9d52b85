// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What of a response's body has not gone into frames.
struct OutboundBody {
  private var pieces: [HTTP2Piece] = []
  /// Pieces that are used up.
  private var used = 0
  /// Bytes of all pieces.
  private(set) var waiting: UInt64 = 0
  /// Whether the last piece is there.
  var isWhole = false

  /// Adds a piece; an empty one is none.
  mutating func add(_ piece: HTTP2Piece) {
    guard piece.count > 0 else { return }
    waiting += piece.count
    pieces.append(piece)
  }

  /// Drops all pieces, and with them what they hold open.
  mutating func clear() {
    pieces = []
    used = 0
    waiting = 0
  }

  /// Moves at most `limit` bytes, of at least one that waits, behind `output`: fewer where a source has no more now.
  mutating func take(atMost limit: Int, into output: inout [UInt8]) -> HTTP2Supply {
    var taken = 0
    while taken < limit, used < pieces.count {
      switch pieces[used] {
      case .bytes(let bytes, let range):
        let count = min(limit - taken, range.count)
        output.append(contentsOf: bytes[range.lowerBound..<(range.lowerBound + count)])
        advance(by: count, rest: .bytes(bytes, (range.lowerBound + count)..<range.upperBound))
        taken += count
      case .source(let source, let range):
        let wanted = Int(min(UInt64(limit - taken), range.upperBound - range.lowerBound))
        let supply = source.append(wanted, at: range.lowerBound, to: &output)
        guard case .appended(let count) = supply else { return taken > 0 ? .appended(taken) : supply }
        precondition(count > 0 && count <= wanted, "a source gave \(count) of \(wanted) bytes")
        advance(by: count, rest: .source(source, (range.lowerBound + UInt64(count))..<range.upperBound))
        taken += count
      }
    }
    return .appended(taken)
  }

  private mutating func advance(by count: Int, rest: HTTP2Piece) {
    waiting -= UInt64(count)
    if rest.count > 0 {
      pieces[used] = rest
      return
    }
    // What it held is let go of at once, and the list itself now and then.
    pieces[used] = .bytes([], 0..<0)
    used += 1
    if used == pieces.count || used >= 32 {
      pieces.removeFirst(used)
      used = 0
    }
  }
}
