// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Makes a head of the fields of an HTTP/2 request (RFC 9113, 8.2 and 8.3), held to the rules and the limits of a head
/// that came over HTTP/1.1: what is counted is what the same request would have been there.
///
/// Fields are added as they are decoded; the first fault is kept and thrown at the end, so that a section is always
/// decoded whole and the decoder's table stays right.
public struct FieldSection: Sendable {
  private let limits: WireLimits
  private var storage: [UInt8] = []
  private var slots: [FieldSlot] = []
  private var cookies: [UInt8] = []
  private var method: HTTPMethod?
  private var hasScheme = false
  private var path: Range<Int>?
  private var authority: Range<Int>?
  private var hasAuthority = false
  private var headBytes = 0
  private var failure: WireError?

  /// Line ends, blanks and the version, which the request line and the empty line would have had.
  private static let requestLineExtras = " ".utf8.count * 2 + "HTTP/1.1\r\n".utf8.count + "\r\n".utf8.count
  /// `: ` and the line end.
  private static let fieldLineExtras = 4

  /// An empty section.
  public init(limits: WireLimits) {
    self.limits = limits
    headBytes = Self.requestLineExtras
  }

  /// Takes the next field.
  public mutating func add(name: Span<UInt8>, value: Span<UInt8>) {
    guard failure == nil else { return }
    do throws(WireError) {
      guard !name.isEmpty else { throw .fieldNameEmpty(at: headBytes) }
      if name[0] == Octet.colon {
        try addPseudo(name, value)
      } else {
        try addField(name, value)
      }
    } catch {
      failure = error
    }
  }

  /// The head. `endsStream` says that no body follows.
  public mutating func finish(endsStream: Bool) throws(WireError) -> RequestHead {
    if let failure { throw failure }
    guard let method, hasScheme else { throw .pseudoFieldMissing }
    // CONNECT, which has no path, asks for a tunnel.
    guard let path else { throw .targetFormRefused(at: 0) }
    guard storage[path.lowerBound] == Octet.slash || method == .options else { throw .targetFormRefused(at: 0) }
    if !cookies.isEmpty { try closeCookies() }
    var mark = path.lowerBound
    while mark < path.upperBound, storage[mark] != Octet.questionMark { mark += 1 }
    let target = TargetSlot(
      path: path.lowerBound..<mark, query: mark < path.upperBound ? (mark + 1)..<path.upperBound : nil, authority: nil)
    let control = try ControlFields(storage, slots, .http11)
    var framing = control.framing
    var hasContent = !endsStream
    if endsStream {
      if case .length(let length) = framing, length > 0 { throw .contentLengthInvalid }
    } else if case .none = framing {
      framing = .chunked
    } else if case .length(0) = framing {
      hasContent = false
    }
    return RequestHead(
      method: method, version: .http2, framing: framing, keepAlive: true,
      expectsContinue: control.expectsContinue && hasContent, storage: storage, slots: slots, target: target,
      hostRange: control.host)
  }

  // MARK: Pseudo-header fields

  private mutating func addPseudo(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(WireError) {
    // They come first (RFC 9113, 8.3); the host made of :authority is a field of our own.
    guard slots.count == (hasAuthority ? 1 : 0), cookies.isEmpty else { throw .pseudoFieldMisplaced }
    try count(value.count, lineMax: .requestLineTooLong(max: min(limits.lineBytesMax, limits.headBytesMax)))
    if Self.isName(name, ":method") {
      guard method == nil else { throw .pseudoFieldMisplaced }
      try takeMethod(value)
    } else if Self.isName(name, ":path") {
      guard path == nil else { throw .pseudoFieldMisplaced }
      try takePath(value)
    } else if Self.isName(name, ":authority") {
      guard !hasAuthority else { throw .pseudoFieldMisplaced }
      hasAuthority = true
      try append("host", value)
      authority = slots[slots.count - 1].value
    } else if Self.isName(name, ":scheme") {
      guard !hasScheme else { throw .pseudoFieldMisplaced }
      hasScheme = true
    } else {
      throw .pseudoFieldMisplaced
    }
  }

  private mutating func takeMethod(_ value: Span<UInt8>) throws(WireError) {
    guard !value.isEmpty else { throw .requestLineMalformed(at: 0) }
    for index in value.indices where !Octet.isToken(value[index]) { throw .methodByte(value[index], at: index) }
    method = RequestLine.method(value, 0, value.count)
  }

  private mutating func takePath(_ value: Span<UInt8>) throws(WireError) {
    guard !value.isEmpty else { throw .targetFormRefused(at: 0) }
    for index in value.indices {
      if value[index] == Octet.hash { throw .targetFragment(at: index) }
      guard Octet.isVisible(value[index]) else { throw .targetByte(value[index], at: index) }
    }
    if value[0] != Octet.slash {
      guard value.count == 1, value[0] == Octet.asterisk else {
        throw .targetFormRefused(at: 0)
      }
    }
    let start = storage.count
    append(value)
    path = start..<storage.count
  }

  // MARK: Fields

  private mutating func addField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(WireError) {
    for index in name.indices {
      let byte = name[index]
      guard Octet.isToken(byte), Octet.lowercased(byte) == byte else { throw .fieldNameByte(byte, at: index) }
    }
    switch name.count {
    case 2 where Self.isName(name, "te"):
      guard Self.isName(value, "trailers") else { throw .fieldConnectionSpecific }
    case 4 where Self.isName(name, "host"):
      if hasAuthority { return try matchHost(value) }
    case 6 where Self.isName(name, "cookie"):
      return try addCookie(value)
    case 7 where Self.isName(name, "upgrade"), 10 where Self.isName(name, "connection"),
      10 where Self.isName(name, "keep-alive"), 16 where Self.isName(name, "proxy-connection"),
      17 where Self.isName(name, "transfer-encoding"):
      throw .fieldConnectionSpecific
    default: break
    }
    try count(name.count + value.count, lineMax: .fieldLineTooLong(max: limits.lineBytesMax))
    guard slots.count < limits.fieldsMax else { throw .fieldsTooMany(max: limits.fieldsMax) }
    try append(name, value)
  }

  /// A Host field beside :authority may say the same, and nothing else (RFC 9113, 8.3.1).
  private func matchHost(_ value: Span<UInt8>) throws(WireError) {
    guard let authority, authority.count == value.count else { throw .hostRepeated }
    for index in value.indices
    where Octet.lowercased(value[index]) != Octet.lowercased(storage[authority.lowerBound + index]) {
      throw .hostRepeated
    }
  }

  /// A cookie may come in crumbs, each its own field; they are one field to every reader (RFC 9113, 8.2.3).
  private mutating func addCookie(_ value: Span<UInt8>) throws(WireError) {
    try count(value.count + 2, lineMax: .fieldLineTooLong(max: limits.lineBytesMax))
    try check(value)
    if cookies.isEmpty {
      guard slots.count < limits.fieldsMax else { throw .fieldsTooMany(max: limits.fieldsMax) }
    } else {
      cookies.append(Octet.semicolon)
      cookies.append(Octet.space)
    }
    for index in value.indices { cookies.append(value[index]) }
    guard cookies.count + "cookie".utf8.count + Self.fieldLineExtras <= limits.lineBytesMax else {
      throw .fieldLineTooLong(max: limits.lineBytesMax)
    }
  }

  private mutating func closeCookies() throws(WireError) {
    let whole = cookies
    cookies = []
    try append("cookie", whole.span)
  }

  // MARK: Storage

  private mutating func count(_ bytes: Int, lineMax: WireError) throws(WireError) {
    let line = bytes + Self.fieldLineExtras
    guard line <= limits.lineBytesMax else { throw lineMax }
    headBytes += line
    guard headBytes <= limits.headBytesMax else { throw .headTooLong(max: limits.headBytesMax) }
  }

  private func check(_ value: Span<UInt8>) throws(WireError) {
    let foreign = ByteSearch.foreignToFieldValue(in: value, from: 0, to: value.count)
    guard foreign == value.count else { throw .fieldValueByte(value[foreign], at: foreign) }
  }

  private mutating func append(_ name: StaticString, _ value: Span<UInt8>) throws(WireError) {
    let start = storage.count
    name.withUTF8Buffer { storage.append(contentsOf: $0) }
    try appendValue(value, after: start)
  }

  private mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(WireError) {
    if storage.isEmpty { storage.reserveCapacity(512) }
    if slots.isEmpty { slots.reserveCapacity(16) }
    let start = storage.count
    append(name)
    try appendValue(value, after: start)
  }

  private mutating func appendValue(_ value: Span<UInt8>, after start: Int) throws(WireError) {
    try check(value)
    let nameEnd = storage.count
    append(value)
    let trimmed = Octet.trimmed(storage, from: nameEnd, to: storage.count)
    slots.append(
      FieldSlot(
        nameStart: UInt32(truncatingIfNeeded: start), nameLength: UInt32(truncatingIfNeeded: nameEnd - start),
        valueStart: UInt32(truncatingIfNeeded: trimmed.lowerBound),
        valueEnd: UInt32(truncatingIfNeeded: trimmed.upperBound)))
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { storage.append(contentsOf: $0) }
  }

  private static func isName(_ bytes: Span<UInt8>, _ wanted: StaticString) -> Bool {
    wanted.withUTF8Buffer { wanted in
      guard bytes.count == wanted.count else { return false }
      for index in bytes.indices where bytes[index] != wanted[index] { return false }
      return true
    }
  }
}
