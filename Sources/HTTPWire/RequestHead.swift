// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A request head as the parser accepted it: one copy of its bytes, and where in them each part lies.
///
/// A value that costs two allocations; text is made of it only where it is asked for. Slices share the storage.
public struct RequestHead: Sendable {
  /// The method, as sent.
  public let method: HTTPMethod
  /// The version, as sent.
  public let version: HTTPVersion
  /// How the end of the body is found.
  public let framing: BodyFraming
  /// Whether the connection may serve another request after this one (RFC 9112, 9.3).
  public let keepAlive: Bool
  /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1). Never true on HTTP/1.0 or
  /// without a body.
  public let expectsContinue: Bool

  let storage: [UInt8]
  let slots: [FieldSlot]
  let target: TargetSlot
  let hostRange: Range<Int>?

  /// The path as it was sent, still percent-encoded: begins with `/`, or is `*` with OPTIONS. Visible ASCII only.
  public var path: ArraySlice<UInt8> { storage[target.path] }

  /// What follows the `?` of the target, still percent-encoded; nil without a `?`. Visible ASCII only.
  public var query: ArraySlice<UInt8>? { target.query.map { storage[$0] } }

  /// The authority the client addressed: that of an absolute-form target, else the Host header; `host` or `host:port`,
  /// of valid syntax. Nil where the client named none.
  public var host: String? { hostRange.map { String(decoding: storage[$0], as: UTF8.self) } }

  /// The number of header fields.
  public var fieldCount: Int { slots.count }

  /// The name (as sent) and value of the field at a position below `fieldCount`.
  public func field(at index: Int) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
    let slot = slots[index]
    return (storage[slot.name], storage[slot.value])
  }

  /// The value of the first field of this name, without the white space around it. The name is given in lower case.
  public func field(_ lowercasedName: StaticString) -> ArraySlice<UInt8>? {
    index(of: lowercasedName, after: -1).map { storage[slots[$0].value] }
  }

  /// The value of the first field of this name as text; bytes that are no UTF-8 become U+FFFD.
  public func fieldText(_ lowercasedName: StaticString) -> String? {
    field(lowercasedName).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The values of all fields of this name, each whole.
  public func fieldTexts(_ lowercasedName: StaticString) -> [String] {
    var texts: [String] = []
    var at = index(of: lowercasedName, after: -1)
    while let found = at {
      texts.append(String(decoding: storage[slots[found].value], as: UTF8.self))
      at = index(of: lowercasedName, after: found)
    }
    return texts
  }

  /// How many fields of this name there are.
  public func fieldOccurrences(_ lowercasedName: StaticString) -> Int {
    var count = 0
    var at = index(of: lowercasedName, after: -1)
    while let found = at {
      count += 1
      at = index(of: lowercasedName, after: found)
    }
    return count
  }

  /// The elements of all fields of this name, split at commas outside quoted strings, empty ones dropped
  /// (RFC 9110, 5.6.1).
  public func fieldValues(_ lowercasedName: StaticString) -> [String] {
    var values: [String] = []
    var at = index(of: lowercasedName, after: -1)
    while let found = at {
      var list = ListElements(storage, slots[found].value)
      while let element = list.next() {
        values.append(String(decoding: storage[element], as: UTF8.self))
      }
      at = index(of: lowercasedName, after: found)
    }
    return values
  }

  private func index(of lowercasedName: StaticString, after previous: Int) -> Int? {
    lowercasedName.withUTF8Buffer { wanted in
      var index = previous + 1
      while index < slots.count {
        let slot = slots[index]
        if Int(slot.nameLength) == wanted.count, matches(slot, wanted) { return index }
        index += 1
      }
      return nil
    }
  }

  private func matches(_ slot: FieldSlot, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = Int(slot.nameStart)
    for byte in wanted {
      if Octet.lowercased(storage[position]) != byte { return false }
      position += 1
    }
    return true
  }
}

/// Where a field lies in a head's storage; 32 bits suffice, `WireLimits` bounds the head.
struct FieldSlot: Sendable {
  let nameStart: UInt32
  let nameLength: UInt32
  let valueStart: UInt32
  let valueEnd: UInt32

  var name: Range<Int> { Int(nameStart)..<Int(nameStart + nameLength) }
  var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// Where the parts of a target lie in a head's storage.
struct TargetSlot: Sendable {
  var path: Range<Int>
  var query: Range<Int>?
  /// Of an absolute-form target.
  var authority: Range<Int>?
}
