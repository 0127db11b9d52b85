// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What the fields of a head say together about framing, connection and host (RFC 9112, 3.2, 6 and 9.3).
struct ControlFields {
  private(set) var framing = BodyFraming.none
  private(set) var keepAlive: Bool
  private(set) var expectsContinue = false
  private(set) var host: Range<Int>?

  private var hosts = 0
  private var contentLength: UInt64?
  private var isChunked = false
  private var closes = false
  private var keepsAlive = false

  init(_ bytes: [UInt8], _ slots: [FieldSlot], _ version: HTTPVersion) throws(WireError) {
    keepAlive = version == .http11
    for slot in slots {
      // The lengths of the names sort out nearly all other fields.
      switch slot.nameLength {
      case 4 where Self.isNamed(bytes, slot, "host"): try takeHost(bytes, slot)
      case 6 where Self.isNamed(bytes, slot, "expect"): try takeExpect(bytes, slot)
      case 10 where Self.isNamed(bytes, slot, "connection"): takeConnection(bytes, slot)
      case 14 where Self.isNamed(bytes, slot, "content-length"): try takeContentLength(bytes, slot)
      case 17 where Self.isNamed(bytes, slot, "transfer-encoding"): try takeTransferEncoding(bytes, slot)
      default: break
      }
    }
    if hosts == 0, version == .http11 { throw .hostMissing }
    if isChunked {
      guard version == .http11 else { throw .transferEncodingOnHTTP10 }
      guard contentLength == nil else { throw .framingConflict }
      framing = .chunked
    } else if let contentLength {
      framing = .length(contentLength)
    }
    if closes {
      keepAlive = false
    } else if keepsAlive {
      keepAlive = true
    }
  }

  private mutating func takeHost(_ bytes: [UInt8], _ slot: FieldSlot) throws(WireError) {
    hosts += 1
    guard hosts == 1 else { throw .hostRepeated }
    // An empty Host says that the target has no authority (RFC 9112, 3.2).
    guard !slot.value.isEmpty else { return }
    guard HostPort.isValid(bytes.span, slot.value.lowerBound, slot.value.upperBound) else { throw .hostInvalid }
    host = slot.value
  }

  private mutating func takeExpect(_ bytes: [UInt8], _ slot: FieldSlot) throws(WireError) {
    var list = ListElements(bytes, slot.value)
    while let element = list.next() {
      guard Self.isText(bytes, element, "100-continue") else { throw .expectationUnsupported }
      expectsContinue = true
    }
  }

  private mutating func takeConnection(_ bytes: [UInt8], _ slot: FieldSlot) {
    var list = ListElements(bytes, slot.value)
    while let element = list.next() {
      if Self.isText(bytes, element, "close") {
        closes = true
      } else if Self.isText(bytes, element, "keep-alive") {
        keepsAlive = true
      }
    }
  }

  /// Digits only, once: a list, a sign or a second line is how requests are smuggled, even where the numbers agree.
  private mutating func takeContentLength(_ bytes: [UInt8], _ slot: FieldSlot) throws(WireError) {
    guard contentLength == nil else { throw .contentLengthRepeated }
    let digits = slot.value
    guard !digits.isEmpty, digits.count <= 19 else { throw .contentLengthInvalid }
    var value: UInt64 = 0
    for index in digits {
      guard Octet.isDigit(bytes[index]) else { throw .contentLengthInvalid }
      // 19 digits stay below 2^64.
      value = value &* 10 &+ UInt64(bytes[index] &- Octet.zero)
    }
    guard value <= UInt64(Int64.max) else { throw .contentLengthTooLarge }
    contentLength = value
  }

  /// Exactly one `chunked`: whether another coding hides the length is not guessed.
  private mutating func takeTransferEncoding(_ bytes: [UInt8], _ slot: FieldSlot) throws(WireError) {
    guard !isChunked else { throw .transferEncodingRepeated }
    guard Self.isText(bytes, slot.value, "chunked") else {
      let isToken = !slot.value.isEmpty && bytes[slot.value].allSatisfy(Octet.isToken)
      throw isToken ? .transferEncodingUnsupported : .transferEncodingInvalid
    }
    isChunked = true
  }

  private static func isNamed(_ bytes: [UInt8], _ slot: FieldSlot, _ lowercased: StaticString) -> Bool {
    isText(bytes, slot.name, lowercased)
  }

  private static func isText(_ bytes: [UInt8], _ range: Range<Int>, _ lowercased: StaticString) -> Bool {
    lowercased.withUTF8Buffer { wanted in
      guard range.count == wanted.count else { return false }
      var index = range.lowerBound
      for byte in wanted {
        if Octet.lowercased(bytes[index]) != byte { return false }
        index += 1
      }
      return true
    }
  }
}
