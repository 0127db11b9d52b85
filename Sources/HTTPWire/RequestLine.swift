// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A request line (RFC 9112, 3): exactly `method SP request-target SP HTTP-version`. Ranges count from the head's first
/// byte.
struct RequestLine: Sendable {
  let method: HTTPMethod
  let target: TargetSlot
  let version: HTTPVersion

  /// Parses the bytes from `start` to `end`, the line end excluded; `base` is the head's first byte.
  init(parsing bytes: Span<UInt8>, from start: Int, to end: Int, base: Int) throws(WireError) {
    var index = start
    while index < end, Octet.isToken(bytes[index]) { index += 1 }
    guard index < end else { throw .requestLineMalformed(at: index - base) }
    guard bytes[index] == Octet.space, index > start else {
      throw Self.refusal(of: bytes[index], at: index - base) { .methodByte($0, at: $1) }
    }
    method = Self.method(bytes, start, index)
    let targetStart = index + 1
    index = ByteSearch.foreignToTarget(in: bytes, from: targetStart, to: end)
    guard index < end, index > targetStart else { throw .requestLineMalformed(at: index - base) }
    guard bytes[index] == Octet.space else {
      if bytes[index] == Octet.hash { throw .targetFragment(at: index - base) }
      throw Self.refusal(of: bytes[index], at: index - base) { .targetByte($0, at: $1) }
    }
    version = try Self.version(bytes, index + 1, end, base)
    target = try Self.target(bytes, targetStart, index, base, isOptions: method == .options)
  }

  private static func refusal(
    of byte: UInt8, at position: Int, _ other: (UInt8, Int) -> WireError
  ) -> WireError {
    switch byte {
    case Octet.carriageReturn: .bareCarriageReturn(at: position)
    default: other(byte, position)
    }
  }

  static func method(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> HTTPMethod {
    func isToken(_ text: StaticString) -> Bool {
      text.withUTF8Buffer { wanted in
        var index = start
        for byte in wanted {
          if bytes[index] != byte { return false }
          index += 1
        }
        return true
      }
    }
    switch end - start {
    case 3 where isToken("GET"): return .get
    case 3 where isToken("PUT"): return .put
    case 4 where isToken("HEAD"): return .head
    case 4 where isToken("POST"): return .post
    case 5 where isToken("PATCH"): return .patch
    case 6 where isToken("DELETE"): return .delete
    case 7 where isToken("OPTIONS"): return .options
    default:
      var token: [UInt8] = []
      for index in start..<end { token.append(bytes[index]) }
      return .other(String(decoding: token, as: UTF8.self))
    }
  }

  private static func version(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ base: Int
  ) throws(WireError) -> HTTPVersion {
    let at = start - base
    guard end - start == 8, Octet.isDigit(bytes[start + 5]), bytes[start + 6] == Octet.dot,
      Octet.isDigit(bytes[start + 7]), bytes[start] == 0x48, bytes[start + 1] == 0x54, bytes[start + 2] == 0x54,
      bytes[start + 3] == 0x50, bytes[start + 4] == Octet.slash
    else {
      for index in start..<end {
        if bytes[index] == Octet.carriageReturn { throw .bareCarriageReturn(at: index - base) }
        if bytes[index] == Octet.space { throw .requestLineMalformed(at: index - base) }
      }
      throw .versionMalformed(at: at)
    }
    let major = bytes[start + 5] - Octet.zero
    let minor = bytes[start + 7] - Octet.zero
    switch (major, minor) {
    case (1, 1): return .http11
    case (1, 0): return .http10
    default: throw .versionUnsupported(major: major, minor: minor)
    }
  }

  /// Sorts the target into its form (RFC 9112, 3.2): origin, absolute, or asterisk.
  private static func target(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ base: Int, isOptions: Bool
  ) throws(WireError) -> TargetSlot {
    var pathStart = start
    var authority: Range<Int>?
    if bytes[start] == Octet.asterisk {
      guard isOptions, end - start == 1 else { throw .targetFormRefused(at: start - base) }
    } else if bytes[start] != Octet.slash {
      guard let authorityStart = schemeEnd(bytes, start, end) else { throw .targetFormRefused(at: start - base) }
      var index = authorityStart
      while index < end, bytes[index] != Octet.slash, bytes[index] != Octet.questionMark { index += 1 }
      guard HostPort.isValid(bytes, authorityStart, index) else {
        throw .targetAuthorityInvalid(at: authorityStart - base)
      }
      authority = (authorityStart - base)..<(index - base)
      pathStart = index
    }
    let mark = ByteSearch.first(Octet.questionMark, in: bytes, from: pathStart, to: end)
    let query = mark < end ? (mark + 1 - base)..<(end - base) : nil
    return TargetSlot(path: (pathStart - base)..<(mark - base), query: query, authority: authority)
  }

  /// The position after `http://` or `https://`, in any case of letters.
  private static func schemeEnd(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    func begins(_ text: StaticString) -> Bool {
      text.withUTF8Buffer { wanted in
        guard end - start >= wanted.count else { return false }
        var index = start
        for byte in wanted {
          if Octet.lowercased(bytes[index]) != byte { return false }
          index += 1
        }
        return true
      }
    }
    if begins("http://") { return start + 7 }
    if begins("https://") { return start + 8 }
    return nil
  }
}
