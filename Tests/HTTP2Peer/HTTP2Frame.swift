// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One frame of HTTP/2, right or wrong (RFC 9113, 4.1).
public struct HTTP2Frame: Sendable, Equatable {
  /// The types that tests use.
  public enum Kind {
    /// Bytes of a body.
    public static let data: UInt8 = 0
    /// A head, or trailers.
    public static let headers: UInt8 = 1
    /// RFC 7540's priority.
    public static let priority: UInt8 = 2
    /// The end of a stream.
    public static let reset: UInt8 = 3
    /// What one end asks of the other.
    public static let settings: UInt8 = 4
    /// Asks for an answer.
    public static let ping: UInt8 = 6
    /// The end of the connection.
    public static let goAway: UInt8 = 7
    /// Room for more DATA.
    public static let windowUpdate: UInt8 = 8
    /// More of a head.
    public static let continuation: UInt8 = 9
  }

  /// The type.
  public var kind: UInt8
  /// The flags.
  public var flags: UInt8
  /// The stream; 0 for the connection.
  public var stream: Int32
  /// What follows the header.
  public var payload: [UInt8]

  /// The flag of the last frame of a stream.
  public static let endStream: UInt8 = 1
  /// The flag of an answer to a ping or to settings.
  public static let acknowledges: UInt8 = 1
  /// The flag of the last frame of a head.
  public static let endHeaders: UInt8 = 4

  /// Makes a frame of its parts.
  public init(_ kind: UInt8, flags: UInt8 = 0, stream: Int32 = 0, _ payload: [UInt8] = []) {
    self.kind = kind
    self.flags = flags
    self.stream = stream
    self.payload = payload
  }

  /// Whether it is the last of its stream.
  public var endsStream: Bool {
    (kind == Kind.data || kind == Kind.headers) && flags & Self.endStream != 0
  }

  /// As it goes on the wire.
  public var bytes: [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), kind, flags]
      + Self.word(UInt32(bitPattern: stream)) + payload
  }

  /// Four bytes of a number.
  public static func word(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
  }

  /// The number in four bytes.
  public static func number(_ bytes: some Collection<UInt8>) -> UInt32 {
    bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Room for so many bytes more; stream 0 is the connection.
  public static func windowUpdate(_ stream: Int32, _ bytes: UInt32) -> HTTP2Frame {
    HTTP2Frame(Kind.windowUpdate, stream: stream, word(bytes))
  }

  /// Ends a stream; CANCEL unless told otherwise.
  public static func reset(_ stream: Int32, code: UInt32 = 8) -> HTTP2Frame {
    HTTP2Frame(Kind.reset, stream: stream, word(code))
  }

  /// Settings by number.
  public static func settings(_ values: [(UInt16, UInt32)] = []) -> HTTP2Frame {
    HTTP2Frame(Kind.settings, values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + word($0.1) })
  }

  /// A ping.
  public static func ping() -> HTTP2Frame { HTTP2Frame(Kind.ping, [1, 2, 3, 4, 5, 6, 7, 8]) }

  /// Bytes of a body.
  public static func data(_ stream: Int32, _ bytes: [UInt8], ends: Bool = false) -> HTTP2Frame {
    HTTP2Frame(Kind.data, flags: ends ? endStream : 0, stream: stream, bytes)
  }

  /// A head, its fields written out without compression, so that any can be written.
  public static func head(_ stream: Int32, _ fields: [(String, String)], ends: Bool = true) -> HTTP2Frame {
    HTTP2Frame(Kind.headers, flags: endHeaders | (ends ? endStream : 0), stream: stream, block(fields))
  }

  /// The head of a request as clients send it.
  public static func request(
    _ stream: Int32, _ method: String, _ path: String, _ fields: [(String, String)] = [], ends: Bool = true
  ) -> HTTP2Frame {
    head(
      stream,
      [(":method", method), (":scheme", "http"), (":path", path), (":authority", "registry.test")] + fields,
      ends: ends)
  }

  /// A field block (RFC 7541, 6.2.2): literals without indexing and without Huffman's code.
  public static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + text(name) + text(value) }
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
    var head: [UInt8] = [127]
    var rest = bytes.count - 127
    while rest >= 128 {
      head.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return head + [UInt8(rest)] + bytes
  }
}
