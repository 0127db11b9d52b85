// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Reads the names out of the answers to tag lists and catalogs: an object, one of whose members is a list of strings.
///
/// Names are compared a few hundred thousand times a second, so they are slices of the answer and not text.
struct NameList {
  private let bytes: [UInt8]
  private var place = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The strings of the member `key`, none where it is null; nil where the answer is no such object. Names with escapes
  /// are left as they stand: a repository's or a tag's name has no character that needs one.
  static func names(_ bytes: [UInt8], _ key: String) -> [ArraySlice<UInt8>]? {
    var list = NameList(bytes)
    return list.members(Array(key.utf8))
  }

  private mutating func members(_ key: [UInt8]) -> [ArraySlice<UInt8>]? {
    var found: [ArraySlice<UInt8>]?
    guard take("{") else { return nil }
    repeat {
      guard let name = string(), take(":") else { return nil }
      if take("[") {
        guard let strings = strings() else { return nil }
        if name.elementsEqual(key) { found = strings }
      } else if peek() == UInt8(ascii: "\"") {
        guard string() != nil else { return nil }
      } else {
        let isNull = word().elementsEqual("null".utf8)
        if isNull, name.elementsEqual(key) { found = [] }
      }
    } while take(",")
    guard take("}"), peek() == nil else { return nil }
    return found
  }

  private mutating func strings() -> [ArraySlice<UInt8>]? {
    var strings: [ArraySlice<UInt8>] = []
    if take("]") { return strings }
    repeat {
      guard let string = string() else { return nil }
      strings.append(string)
    } while take(",")
    return take("]") ? strings : nil
  }

  private mutating func string() -> ArraySlice<UInt8>? {
    guard take("\"") else { return nil }
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard place < bytes.count else { return nil }
    place += 1
    return bytes[start..<(place - 1)]
  }

  /// A number, true, false or null.
  private mutating func word() -> ArraySlice<UInt8> {
    _ = peek()
    let start = place
    while place < bytes.count, !",}] \n\r\t".utf8.contains(bytes[place]) { place += 1 }
    return bytes[start..<place]
  }

  private mutating func peek() -> UInt8? {
    while place < bytes.count, bytes[place] <= 32 { place += 1 }
    return place < bytes.count ? bytes[place] : nil
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }
}
