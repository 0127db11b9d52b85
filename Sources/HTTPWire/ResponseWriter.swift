// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Writes responses as bytes at the end of an output buffer (RFC 9112, 4 and 7.1).
public enum ResponseWriter {
  /// The `100 Continue` interim response, whole.
  public static let continueResponse: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

  /// Writes a response head with its empty line: status line, `Date`, the framing field, `Connection` where it differs
  /// from the version's default, and the fields given. These must not name Date, Content-Length, Transfer-Encoding or
  /// Connection.
  ///
  /// - Parameters:
  ///   - date: an IMF-fixdate as `HTTPDate` makes it, made once a second by the caller; empty writes no Date.
  ///   - version: that of the request. The answer always says HTTP/1.1, the version of this server (RFC 9110, 2.5).
  public static func writeHead(
    status: HTTPStatus, fields: Fields, framing: ResponseFraming, keepAlive: Bool, version: HTTPVersion = .http11,
    date: [UInt8], into output: inout [UInt8]
  ) {
    output.reserveCapacity(output.count + fields.rendered.count + 192)
    writeStatusLine(status, into: &output)
    if !date.isEmpty {
      append("Date: ", to: &output)
      output.append(contentsOf: date)
      append("\r\n", to: &output)
    }
    switch framing {
    case .none, .untilClose: break
    case .length(let bytes):
      append("Content-Length: ", to: &output)
      Octet.appendDecimal(bytes, to: &output)
      append("\r\n", to: &output)
    case .chunked:
      precondition(version == .http11, "HTTP/1.0 knows no chunked coding")
      append("Transfer-Encoding: chunked\r\n", to: &output)
    }
    switch (version, keepAlive) {
    case (.http11, true), (.http10, false), (.http2, _): break
    case (.http11, false): append("Connection: close\r\n", to: &output)
    case (.http10, true): append("Connection: keep-alive\r\n", to: &output)
    }
    output.append(contentsOf: fields.rendered)
    append("\r\n", to: &output)
  }

  /// Writes `100 Continue`.
  public static func writeContinue(into output: inout [UInt8]) {
    append(continueResponse, to: &output)
  }

  /// Writes the line before a chunk of this many bytes (at least 1: the chunk of 0 ends the body). The chunk's data and
  /// `writeChunkEnd` follow.
  public static func writeChunkHeader(size: Int, into output: inout [UInt8]) {
    precondition(size > 0, "a chunk of no bytes would end the body")
    var shift = (Int.bitWidth - size.leadingZeroBitCount - 1) / 4 * 4
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: size >> shift) & 0x0F
      output.append(digit < 10 ? Octet.zero + digit : UInt8(ascii: "a") + digit - 10)
      shift -= 4
    }
    append("\r\n", to: &output)
  }

  /// Writes what follows a chunk's data.
  public static func writeChunkEnd(into output: inout [UInt8]) {
    append("\r\n", to: &output)
  }

  /// Writes the last chunk, without trailers: the end of the body.
  public static func writeLastChunk(into output: inout [UInt8]) {
    append("0\r\n\r\n", to: &output)
  }

  private static func writeStatusLine(_ status: HTTPStatus, into output: inout [UInt8]) {
    if let line = status.statusLine {
      append(line, to: &output)
    } else {
      append("HTTP/1.1 ", to: &output)
      Octet.appendDecimal(UInt64(status.code), to: &output)
      append(" \r\n", to: &output)
    }
  }

  private static func append(_ text: StaticString, to output: inout [UInt8]) {
    text.withUTF8Buffer { output.append(contentsOf: $0) }
  }
}
