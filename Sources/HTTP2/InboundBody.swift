// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What of a request's body has come and was not read. Kept in pieces, each given back once it is read: a reader that
/// never quite catches up with its client holds what is unread, not what ever came.
struct InboundBody {
  private var pieces: [[UInt8]] = []
  /// What was read of the first piece.
  private var read = 0
  /// Bytes that were not read.
  private(set) var count = 0

  private static let pieceBytesMax = 64 << 10

  /// Bytes of memory that it holds.
  var heldBytes: Int { pieces.reduce(0) { $0 + $1.capacity } }

  mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    count += bytes.count
    let last = pieces.count - 1
    if last >= 0, pieces[last].count + bytes.count <= Self.pieceBytesMax {
      unsafe pieces[last].append(contentsOf: bytes)
    } else {
      unsafe pieces.append(Array(bytes))
    }
  }

  /// Moves at most `limit` bytes behind `buffer`; how many.
  mutating func take(atMost limit: Int, into buffer: inout [UInt8]) -> Int {
    let wanted = min(limit, count)
    guard wanted > 0 else { return 0 }
    if read == 0, wanted == pieces[0].count, buffer.isEmpty, buffer.capacity < wanted {
      buffer = pieces.removeFirst()
    } else {
      buffer.reserveCapacity(buffer.count + wanted)
      var used = 0
      var rest = wanted
      while rest > 0 {
        let taken = min(rest, pieces[used].count - read)
        buffer.append(contentsOf: pieces[used][read..<(read + taken)])
        rest -= taken
        read += taken
        if read == pieces[used].count {
          used += 1
          read = 0
        }
      }
      pieces.removeFirst(used)
    }
    count -= wanted
    return wanted
  }

  mutating func clear() {
    pieces = []
    read = 0
    count = 0
  }
}
