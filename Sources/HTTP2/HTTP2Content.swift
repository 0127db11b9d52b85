// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a response has behind its head.
public enum HTTP2Content {
  /// Nothing: the head ends the stream.
  case none
  /// These bytes.
  case bytes([UInt8])
  /// These pieces, one after the other.
  case pieces([HTTP2Piece])
  /// What ``HTTP2Session/feed(_:_:_:isLast:)`` brings.
  case streamed
}

/// A part of a response's body.
public enum HTTP2Piece {
  /// A range of bytes that are in memory.
  case bytes([UInt8], Range<Int>)
  /// A range of what a source has: fetched when a frame has room for it and not before, so that nothing is held for a
  /// client that does not take it.
  case source(any HTTP2BodySource, Range<UInt64>)

  var count: UInt64 {
    switch self {
    case .bytes(_, let range): UInt64(range.count)
    case .source(_, let range): range.upperBound - range.lowerBound
    }
  }
}

/// Where bytes of a response are when they are not in memory: a file, as a rule.
///
/// Isolation: asked in the isolation of the session.
public protocol HTTP2BodySource: AnyObject {
  /// Appends at most `count` bytes from `offset` to `output`, straight behind the header of their frame. Never waits.
  func append(_ count: Int, at offset: UInt64, to output: inout [UInt8]) -> HTTP2Supply
}

/// What a source gave.
public enum HTTP2Supply: Sendable, Hashable {
  /// So many bytes, at least one.
  case appended(Int)
  /// None yet: they have to be waited for. ``HTTP2Session/takeAbsent()`` tells, ``HTTP2Session/resume(_:)`` goes on.
  case absent
  /// None ever: the stream is reset.
  case failed
}
