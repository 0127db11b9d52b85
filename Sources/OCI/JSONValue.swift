// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A JSON value (RFC 8259), to be written or as it was read; the members of an object keep their order.
public enum JSONValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case boolean(Bool)
  /// A whole number.
  case integer(Int64)
  /// Any other number, as written. To be valid when written, the text must be a JSON number.
  case number(String)
  /// A text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Named values, in order. Neither the writer nor the parser looks for repeated names.
  case object([Member])

  /// A named value of an object.
  public struct Member: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The value.
    public let value: JSONValue

    /// A member called `name`.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// Parses one JSON text, strictly by the grammar; an escaped surrogate without its partner becomes U+FFFD.
  ///
  /// Work and memory are proportional to `bytes.count`, and the stack to `depthMax`.
  ///
  /// - Parameters:
  ///   - bytes: The text in UTF-8, without a byte order mark.
  ///   - depthMax: Most levels of arrays and objects.
  ///   - valuesMax: Most values, those inside others included.
  public init(parsing bytes: [UInt8], depthMax: Int = 64, valuesMax: Int = 400_000) throws(JSONError) {
    var parser = JSONParser(bytes, depthMax: depthMax, valuesMax: valuesMax)
    self = try parser.document()
  }

  /// The value of the first member called `name`; nil when there is none or this is no object.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }
}

extension JSONValue: ExpressibleByStringLiteral {
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  /// An object whose members keep the order of the literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}

extension JSONValue: ExpressibleByArrayLiteral {
  /// A list.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}
