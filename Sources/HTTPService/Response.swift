// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire
public import GantryWorld

/// What a responder answers. The connection adds `Date`, `Connection`, and the framing of the body.
public struct Response: Sendable {
  /// The status.
  public var status: HTTPStatus
  /// The fields, without framing.
  public var fields: Fields
  /// The body. To a HEAD request its length is announced and its bytes are kept back.
  public var body: ResponseBody
  /// Closes the connection after this response. Without a meaning over HTTP/2, where a stream ends alone.
  public var closesConnection: Bool

  /// Makes a response.
  public init(
    status: HTTPStatus, fields: Fields = Fields(), body: ResponseBody = .empty, closesConnection: Bool = false
  ) {
    self.status = status
    self.fields = fields
    self.body = body
    self.closesConnection = closesConnection
  }
}

/// The body of a response.
public enum ResponseBody: Sendable {
  /// Nothing, announced as `Content-Length: 0` where the status allows a body.
  case empty
  /// Bytes in memory.
  case bytes([UInt8])
  /// A region of a file, sent from the page cache: without copying over HTTP/1.1 in the clear, else in pieces that are
  /// read when there is room for them.
  case file(any OpenFile, Range<UInt64>)
  /// Several pieces one after the other, as multipart/byteranges needs them.
  case pieces([Piece])
  /// Bytes whose number is not known beforehand, sent in the chunked coding (to HTTP/1.0: until the connection closes;
  /// in HTTP/2's frames).
  case stream(any ResponseStream)

  /// One piece of a body in several pieces.
  public enum Piece: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// A region of bytes in memory.
    case slice([UInt8], Range<Int>)
    /// A region of a file.
    case file(any OpenFile, Range<UInt64>)

    /// How many bytes it is.
    public var length: UInt64 {
      switch self {
      case .bytes(let bytes): UInt64(bytes.count)
      case .slice(_, let range): UInt64(range.count)
      case .file(_, let region): region.upperBound - region.lowerBound
      }
    }
  }

  /// How many bytes it is; nil when that is not known beforehand.
  public var length: UInt64? {
    switch self {
    case .empty: 0
    case .bytes(let bytes): UInt64(bytes.count)
    case .file(_, let region): region.upperBound - region.lowerBound
    case .pieces(let pieces): pieces.reduce(0) { $0 + $1.length }
    case .stream: nil
    }
  }
}

/// A body that is made while it is sent. Pulled by one connection, on its loop.
public protocol ResponseStream: Sendable {
  /// The next bytes, never empty; nil at the end. A failure after the head has left can only be told by closing the
  /// connection, which throwing does.
  func next() async throws(ResponseStreamFailure) -> [UInt8]?
}

/// A streamed body broke off.
public struct ResponseStreamFailure: Error, Sendable, Hashable {
  /// Why, for the log.
  public var reason: String

  /// Makes a failure.
  public init(reason: String) {
    self.reason = reason
  }
}
