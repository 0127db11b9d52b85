// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension WireError: CustomStringConvertible {
  /// One line for the client and the log: what was wrong, and where. Holds no byte of the input but in hexadecimal.
  public var reason: String {
    switch self {
    case .notHTTP, .emptyLinesTooMany, .requestLineTooLong, .requestLineMalformed, .methodByte, .targetByte,
      .targetFragment, .targetFormRefused, .targetAuthorityInvalid, .versionMalformed, .versionUnsupported:
      requestLineReason
    case .bareCarriageReturn, .bareLineFeed, .fieldLineTooLong, .headTooLong, .fieldsTooMany, .fieldFolded,
      .fieldNameEmpty, .fieldNameByte, .fieldSpaceBeforeColon, .fieldColonMissing, .fieldValueByte,
      .pseudoFieldMisplaced, .pseudoFieldMissing, .fieldConnectionSpecific:
      fieldReason
    case .hostMissing, .hostRepeated, .hostInvalid, .contentLengthInvalid, .contentLengthRepeated,
      .contentLengthTooLarge, .transferEncodingInvalid, .transferEncodingRepeated, .transferEncodingUnsupported,
      .transferEncodingOnHTTP10, .framingConflict, .expectationUnsupported:
      framingReason
    case .chunkSizeMissing, .chunkSizeByte, .chunkSizeTooLarge, .chunkLineTooLong, .chunkExtensionByte,
      .chunkOverheadTooLarge, .chunkDataUnterminated, .trailersTooLong:
      chunkReason
    case .percentEncodingInvalid, .textNotUTF8, .queryPairsTooMany, .contentRangeMalformed, .contentRangeUnit,
      .contentRangeNumberTooLarge, .contentRangeReversed, .contentRangeBeyondSize, .entityTagMalformed,
      .entityTagsTooMany, .forwardedMalformed:
      valueReason
    }
  }

  /// The same text as `reason`.
  public var description: String { reason }

  private var requestLineReason: String {
    switch self {
    case .notHTTP(0x16): "the first byte is 0x16: a TLS handshake on a port that speaks plain HTTP"
    case .notHTTP(let byte): "the first byte is \(Self.hex(byte)), which begins no HTTP request"
    case .emptyLinesTooMany(let max): "more than \(max) empty lines before the request line"
    case .requestLineTooLong(let max): "the request line is longer than \(max) bytes"
    case .requestLineMalformed(let at):
      "the request line is not method, target and version with one space between (byte \(at))"
    case .methodByte(let byte, let at): "byte \(Self.hex(byte)) in the method (byte \(at))"
    case .targetByte(let byte, let at): "byte \(Self.hex(byte)) in the request target (byte \(at))"
    case .targetFragment(let at): "a fragment ('#') in the request target (byte \(at))"
    case .targetFormRefused(let at):
      "the request target is neither a path nor an absolute http URL, nor '*' with OPTIONS (byte \(at))"
    case .targetAuthorityInvalid(let at): "the authority in the request target is not host[:port] (byte \(at))"
    case .versionMalformed(let at): "the version is not of the form HTTP/1.1 (byte \(at))"
    case .versionUnsupported(let major, let minor):
      "HTTP/\(major).\(minor) is not spoken here, only HTTP/1.1 and HTTP/1.0"
    default: ""
    }
  }

  private var fieldReason: String {
    switch self {
    case .bareCarriageReturn(let at): "a CR without LF (byte \(at))"
    case .bareLineFeed(let at): "a LF without CR (byte \(at))"
    case .fieldLineTooLong(let max): "a header line is longer than \(max) bytes"
    case .headTooLong(let max): "the request head is longer than \(max) bytes"
    case .fieldsTooMany(let max): "more than \(max) header fields"
    case .fieldFolded(let at): "a header line begins with white space: folded lines are refused (byte \(at))"
    case .fieldNameEmpty(let at): "a header field without a name (byte \(at))"
    case .fieldNameByte(let byte, let at): "byte \(Self.hex(byte)) in a header name (byte \(at))"
    case .fieldSpaceBeforeColon(let at): "white space between a header name and its colon (byte \(at))"
    case .fieldColonMissing(let at): "a header line without a colon (byte \(at))"
    case .fieldValueByte(let byte, let at): "control byte \(Self.hex(byte)) in a header value (byte \(at))"
    case .pseudoFieldMisplaced: "a pseudo-header field is unknown, repeated, or after another field"
    case .pseudoFieldMissing: "a request over HTTP/2 needs :method, :scheme and :path"
    case .fieldConnectionSpecific: "a field that belongs to connections of HTTP/1.1 only"
    default: ""
    }
  }

  private var framingReason: String {
    switch self {
    case .hostMissing: "an HTTP/1.1 request needs a Host header"
    case .hostRepeated: "more than one Host header"
    case .hostInvalid: "the Host header is not host[:port]"
    case .contentLengthInvalid: "Content-Length is not a plain decimal number of at most 19 digits"
    case .contentLengthRepeated: "more than one Content-Length header"
    case .contentLengthTooLarge: "Content-Length is larger than 9223372036854775807"
    case .transferEncodingInvalid: "Transfer-Encoding is not exactly one \"chunked\""
    case .transferEncodingRepeated: "more than one Transfer-Encoding header"
    case .transferEncodingUnsupported: "a transfer coding other than \"chunked\" is not served"
    case .transferEncodingOnHTTP10: "Transfer-Encoding on an HTTP/1.0 request"
    case .framingConflict: "both Content-Length and Transfer-Encoding"
    case .expectationUnsupported: "an expectation other than \"100-continue\""
    default: ""
    }
  }

  private var chunkReason: String {
    switch self {
    case .chunkSizeMissing(let at): "a chunk without a size (body byte \(at))"
    case .chunkSizeByte(let byte, let at): "byte \(Self.hex(byte)) in a chunk size (body byte \(at))"
    case .chunkSizeTooLarge(let at): "a chunk size larger than 9223372036854775807 (body byte \(at))"
    case .chunkLineTooLong(let max): "a chunk-size line is longer than \(max) bytes"
    case .chunkExtensionByte(let byte, let at): "byte \(Self.hex(byte)) in a chunk extension (body byte \(at))"
    case .chunkOverheadTooLarge(let max):
      "chunk-size lines spend more than \(max) bytes beyond what their data pays for"
    case .chunkDataUnterminated(let at): "chunk data is not followed by CR LF (body byte \(at))"
    case .trailersTooLong(let max): "the trailer fields are longer than \(max) bytes"
    default: ""
    }
  }

  private var valueReason: String {
    switch self {
    case .percentEncodingInvalid(let at): "'%' is not followed by two hexadecimal digits (byte \(at))"
    case .textNotUTF8(let at): "the decoded text is not UTF-8 (in what begins at byte \(at))"
    case .queryPairsTooMany(let max): "more than \(max) query parameters"
    case .contentRangeMalformed(let at): "Content-Range is not <start>-<end> (byte \(at))"
    case .contentRangeUnit: "Content-Range names a unit other than bytes"
    case .contentRangeNumberTooLarge(let at):
      "a number in Content-Range is larger than 9223372036854775806 (byte \(at))"
    case .contentRangeReversed: "Content-Range ends before it starts"
    case .contentRangeBeyondSize: "Content-Range ends at or after the size it names"
    case .entityTagMalformed(let at): "an entity tag is malformed (byte \(at))"
    case .entityTagsTooMany(let max): "more than \(max) entity tags"
    case .forwardedMalformed(let at): "the Forwarded header is malformed (byte \(at))"
    default: ""
    }
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.utf8.count == 1 ? "0x0\(digits)" : "0x\(digits)"
  }
}
