// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What was wrong with bytes from the wire. Always the client's fault, never an environment's.
///
/// `at` counts bytes from the first byte of the request line for a head, from the first byte of the coded body for
/// chunks and trailers, and from the start of the text for values that are parsed on their own.
@frozen
public enum WireError: Error, Hashable, Sendable {
  // The request line.
  case notHTTP(firstByte: UInt8)
  case emptyLinesTooMany(max: Int)
  case requestLineTooLong(max: Int)
  case requestLineMalformed(at: Int)
  case methodByte(UInt8, at: Int)
  case targetByte(UInt8, at: Int)
  case targetFragment(at: Int)
  case targetFormRefused(at: Int)
  case targetAuthorityInvalid(at: Int)
  case versionMalformed(at: Int)
  case versionUnsupported(major: UInt8, minor: UInt8)

  // Field lines, of heads and of trailers.
  case bareCarriageReturn(at: Int)
  case bareLineFeed(at: Int)
  case fieldLineTooLong(max: Int)
  case headTooLong(max: Int)
  case fieldsTooMany(max: Int)
  case fieldFolded(at: Int)
  case fieldNameEmpty(at: Int)
  case fieldNameByte(UInt8, at: Int)
  case fieldSpaceBeforeColon(at: Int)
  case fieldColonMissing(at: Int)
  case fieldValueByte(UInt8, at: Int)

  // Field sections of HTTP/2 alone.
  case pseudoFieldMisplaced
  case pseudoFieldMissing
  case fieldConnectionSpecific

  // Framing and the fields that decide it.
  case hostMissing
  case hostRepeated
  case hostInvalid
  case contentLengthInvalid
  case contentLengthRepeated
  case contentLengthTooLarge
  case transferEncodingInvalid
  case transferEncodingRepeated
  case transferEncodingUnsupported
  case transferEncodingOnHTTP10
  case framingConflict
  case expectationUnsupported

  // The chunked coding.
  case chunkSizeMissing(at: Int)
  case chunkSizeByte(UInt8, at: Int)
  case chunkSizeTooLarge(at: Int)
  case chunkLineTooLong(max: Int)
  case chunkExtensionByte(UInt8, at: Int)
  case chunkOverheadTooLarge(max: Int)
  case chunkDataUnterminated(at: Int)
  case trailersTooLong(max: Int)

  // Values.
  case percentEncodingInvalid(at: Int)
  case textNotUTF8(at: Int)
  case queryPairsTooMany(max: Int)
  case contentRangeMalformed(at: Int)
  case contentRangeUnit
  case contentRangeNumberTooLarge(at: Int)
  case contentRangeReversed
  case contentRangeBeyondSize
  case entityTagMalformed(at: Int)
  case entityTagsTooMany(max: Int)
  case forwardedMalformed(at: Int)

  /// The status to answer with.
  public var status: HTTPStatus {
    switch self {
    case .requestLineTooLong: .uriTooLong
    case .fieldLineTooLong, .headTooLong, .fieldsTooMany, .trailersTooLong: .requestHeaderFieldsTooLarge
    case .versionUnsupported: .httpVersionNotSupported
    case .transferEncodingUnsupported: .notImplemented
    case .contentLengthTooLarge, .chunkSizeTooLarge: .contentTooLarge
    case .expectationUnsupported: .expectationFailed
    default: .badRequest
    }
  }
}
