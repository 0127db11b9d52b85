// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire

/// What became of a head that arrived in pieces.
public enum HeadEvent: Equatable, Sendable {
  case needMore
  case head(RequestHead, consumed: Int)
  case failed(WireError)
}

/// Feeds heads to the parser piece by piece.
public enum HeadReplay {
  /// The first outcome that is not `needMore`, after the pieces that end at `ends`. `shift` bytes of another request
  /// lie before the input in the buffer, as they do on a connection.
  public static func event(_ input: [UInt8], ends: [Int], shift: Int = 0, limits: WireLimits = WireLimits())
    -> HeadEvent
  {
    var parser = RequestParser(limits: limits)
    let before = [UInt8](repeating: UInt8(ascii: "\n"), count: shift)
    for end in ends {
      switch parser.parse(before + input[..<end], from: shift) {
      case .needMore: continue
      case .head(let head, let consumed): return .head(head, consumed: consumed)
      case .failed(let error): return .failed(error)
      }
    }
    return .needMore
  }
}
