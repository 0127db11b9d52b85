// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension FieldSlot {
  /// Parses a field line (RFC 9112, 5): `field-name ":" OWS field-value OWS`, without its line end. Folded lines, space
  /// before the colon and control bytes are refused (5.1, 5.2; RFC 9110, 5.5).
  init(parsing bytes: Span<UInt8>, from start: Int, to end: Int, base: Int) throws(WireError) {
    var index = start
    while index < end, Octet.isToken(bytes[index]) { index += 1 }
    let nameEnd = index
    guard index < end, bytes[index] == Octet.colon, index > start else {
      throw Self.nameError(bytes, start, index, end, base)
    }
    index += 1
    while index < end, Octet.isBlank(bytes[index]) { index += 1 }
    let valueStart = index
    index = ByteSearch.foreignToFieldValue(in: bytes, from: index, to: end)
    if index < end {
      let byte = bytes[index]
      throw byte == Octet.carriageReturn
        ? .bareCarriageReturn(at: index - base) : .fieldValueByte(byte, at: index - base)
    }
    while index > valueStart, Octet.isBlank(bytes[index - 1]) { index -= 1 }
    self.init(
      nameStart: UInt32(truncatingIfNeeded: start - base), nameLength: UInt32(truncatingIfNeeded: nameEnd - start),
      valueStart: UInt32(truncatingIfNeeded: valueStart - base), valueEnd: UInt32(truncatingIfNeeded: index - base))
  }

  /// Why the bytes up to `index` are no name followed by a colon.
  private static func nameError(
    _ bytes: Span<UInt8>, _ start: Int, _ index: Int, _ end: Int, _ base: Int
  ) -> WireError {
    guard index < end else { return .fieldColonMissing(at: index - base) }
    let byte = bytes[index]
    switch byte {
    case Octet.carriageReturn: return .bareCarriageReturn(at: index - base)
    case Octet.colon: return .fieldNameEmpty(at: index - base)
    case Octet.space, Octet.tab:
      return index == start ? .fieldFolded(at: index - base) : .fieldSpaceBeforeColon(at: index - base)
    default: return .fieldNameByte(byte, at: index - base)
    }
  }
}
