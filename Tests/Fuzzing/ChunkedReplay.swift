// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire

/// What became of a chunked body that arrived in pieces.
public struct ChunkedReplay: Equatable, Sendable {
  /// How it ended.
  public enum Ending: Equatable, Sendable {
    case needMore
    case end(consumed: Int)
    case failed(WireError)
    /// The decoder broke its own contract.
    case broken(String)
  }

  /// The data up to the ending.
  public private(set) var data: [UInt8] = []
  /// The ending.
  public private(set) var ending = Ending.needMore

  /// Feeds the pieces that end at `ends`; consumed bytes are dropped from the buffer, as a connection does.
  public init(_ input: [UInt8], ends: [Int], limits: WireLimits = WireLimits()) {
    var decoder = ChunkedDecoder(limits: limits)
    var taken = 0
    for end in ends {
      let buffer = Array(input[taken..<end])
      var offset = 0
      while true {
        switch decoder.decode(buffer, from: offset) {
        case .data(let range, let consumed):
          guard range.lowerBound >= offset, !range.isEmpty, range.upperBound == offset + consumed,
            range.upperBound <= buffer.count
          else {
            ending = .broken("data in \(range), consumed \(consumed) from \(offset) of \(buffer.count)")
            return
          }
          data += buffer[range]
          offset += consumed
          continue
        case .needMore(let consumed):
          guard offset + consumed == buffer.count else {
            ending = .broken("needs more, but \(buffer.count - offset - consumed) bytes are left")
            return
          }
          offset += consumed
        case .end(let consumed):
          guard offset + consumed <= buffer.count else {
            ending = .broken("consumed beyond the buffer")
            return
          }
          ending = .end(consumed: taken + offset + consumed)
          return
        case .failed(let error):
          ending = .failed(error)
          return
        }
        break
      }
      taken += offset
    }
  }
}
