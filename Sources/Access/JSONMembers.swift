// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

/// The members of one JSON object of a token or a key, by their exact names.
///
/// Readers differ in which of two members of one name they take, so an object that says something twice is refused.
struct JSONMembers {
  private var members: [ExactName: JSONValue] = [:]

  init(_ value: JSONValue, _ place: String) throws(TokenFault) {
    guard case .object(let members) = value else { throw .member("\(place) is no object") }
    for member in members {
      guard self.members.updateValue(member.value, forKey: ExactName(member.name)) == nil else {
        throw .member("\(place) has \"\(member.name.prefix(32))\" twice")
      }
    }
  }

  /// The value of a member; nil when it is absent or null.
  func value(_ name: String) -> JSONValue? {
    guard let value = members[ExactName(name)], value != .null else { return nil }
    return value
  }

  /// Whether there is such a member, whatever its value.
  func holds(_ name: String) -> Bool { members[ExactName(name)] != nil }

  func text(_ name: String) throws(TokenFault) -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw .member("\(name) is no text") }
    return text
  }

  func texts(_ name: String) throws(TokenFault) -> [String]? {
    guard let value = value(name) else { return nil }
    guard case .array(let elements) = value else { throw .member("\(name) is no list") }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element else { throw .member("\(name) holds something else than texts") }
      texts.append(text)
    }
    return texts
  }

  /// A time in seconds (RFC 7519: a number that may have a fraction), rounded down.
  func seconds(_ name: String) throws(TokenFault) -> Int64? {
    guard let value = value(name) else { return nil }
    switch value {
    case .integer(let number): return number
    case .number(let text):
      // Beyond this no whole second is kept, and no date is meant.
      guard let number = Double(text), number.magnitude < 1e15 else { break }
      return Int64(number.rounded(.down))
    default: break
    }
    throw .member("\(name) is no time")
  }

  /// Bytes in base 64 without padding.
  func bytes(_ name: String) throws(TokenFault) -> [UInt8]? {
    guard let text = try text(name) else { return nil }
    guard let bytes = TokenText.bytes(text) else { throw .member("\(name) is no base 64") }
    return bytes
  }
}
