// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The header fields of a response: an ordered list, never folded into a dictionary.
///
/// They are kept as one block of rendered lines, `Name: value\r\n` each, so that a block prepared once is put before a
/// body with one copy. No line end can be smuggled in: a control byte in a value (CR, LF and NUL among them) is
/// replaced by a space, and a name that is no token is refused.
public struct Fields: Hashable, Sendable {
  /// The lines as they go on the wire, without the empty line that ends a head.
  public private(set) var rendered: [UInt8]

  /// No fields.
  public init() {
    rendered = []
  }

  /// No fields yet, with room for this many bytes of lines.
  public init(reservingCapacity bytes: Int) {
    rendered = []
    rendered.reserveCapacity(bytes)
  }

  /// Whether there is no field.
  public var isEmpty: Bool { rendered.isEmpty }

  /// Adds a line at the end. The name must be a token: anything else is a programmer's fault.
  public mutating func append(_ name: StaticString, _ value: String) {
    open(name)
    let start = rendered.count
    rendered.append(contentsOf: value.utf8)
    close(valueFrom: start)
  }

  /// Adds a line at the end, with a value of bytes. The name must be a token: anything else is a programmer's fault.
  public mutating func append(_ name: StaticString, _ value: [UInt8]) {
    open(name)
    let start = rendered.count
    rendered.append(contentsOf: value)
    close(valueFrom: start)
  }

  /// Adds a line at the end, with a number in decimal digits as its value.
  public mutating func append(_ name: StaticString, decimal value: UInt64) {
    open(name)
    Octet.appendDecimal(value, to: &rendered)
    rendered.append(Octet.carriageReturn)
    rendered.append(Octet.lineFeed)
  }

  /// Adds a line whose name is known only at run time (from a configuration, say); refuses a name that is no token.
  public mutating func append(name: String, _ value: String) throws(WireError) {
    guard !name.isEmpty else { throw .fieldNameEmpty(at: 0) }
    var at = 0
    for byte in name.utf8 {
      guard Octet.isToken(byte) else { throw .fieldNameByte(byte, at: at) }
      at += 1
    }
    rendered.append(contentsOf: name.utf8)
    rendered.append(Octet.colon)
    rendered.append(Octet.space)
    let start = rendered.count
    rendered.append(contentsOf: value.utf8)
    close(valueFrom: start)
  }

  /// Adds all lines of another block after these.
  public mutating func append(_ other: Fields) {
    rendered.append(contentsOf: other.rendered)
  }

  /// The value of the first field of this name, in any case of letters.
  public func first(_ name: String) -> String? {
    let wanted = Array(name.utf8)
    for (candidate, value) in self where Octet.equalsIgnoringCase(candidate, wanted[...]) {
      return String(decoding: value, as: UTF8.self)
    }
    return nil
  }

  private mutating func open(_ name: StaticString) {
    let start = rendered.count
    name.withUTF8Buffer { rendered.append(contentsOf: $0) }
    precondition(
      rendered.count > start && rendered[start...].allSatisfy(Octet.isToken), "a field name is a token")
    rendered.append(Octet.colon)
    rendered.append(Octet.space)
  }

  private mutating func close(valueFrom start: Int) {
    for index in start..<rendered.count where !Octet.isFieldValue(rendered[index]) {
      rendered[index] = Octet.space
    }
    rendered.append(Octet.carriageReturn)
    rendered.append(Octet.lineFeed)
  }
}

extension Fields: Sequence {
  /// Walks the lines in order.
  public struct Iterator: IteratorProtocol {
    private let rendered: [UInt8]
    private var position = 0

    init(_ rendered: [UInt8]) {
      self.rendered = rendered
    }

    /// The next field: its name as it was written, and its value without the white space around it.
    public mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
      guard position < rendered.count else { return nil }
      let start = position
      var colon = start
      while rendered[colon] != Octet.colon { colon += 1 }
      var lineFeed = colon + 1
      while rendered[lineFeed] != Octet.lineFeed { lineFeed += 1 }
      position = lineFeed + 1
      let value = Octet.trimmed(rendered, from: colon + 1, to: lineFeed - 1)
      return (rendered[start..<colon], rendered[value])
    }
  }

  /// The fields in order, as name and value.
  public func makeIterator() -> Iterator {
    Iterator(rendered)
  }
}
