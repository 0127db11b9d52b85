// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A numeric address of IPv4 or IPv6. An IPv4 address and its mapped form (RFC 4291, section 2.5.5.2) are one.
@frozen
public struct NetworkAddress: Sendable, Hashable, CustomStringConvertible {
  /// The first 64 bits.
  public var high: UInt64
  /// The last 64 bits.
  public var low: UInt64

  /// Makes an address of its 128 bits.
  @inlinable
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads `192.0.2.7`, `2001:db8::7` or `::ffff:192.0.2.7`; a zone (`%eth0`) is left out. Nil for anything else.
  public init?(_ text: some StringProtocol) {
    var text = Array(text.utf8)
    if let zone = text.firstIndex(of: UInt8(ascii: "%")) { text.removeSubrange(zone...) }
    guard text.count <= 45 else { return nil }
    if text.contains(UInt8(ascii: ":")) {
      guard let groups = Self.groups(text[...]) else { return nil }
      self.init(
        high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }, low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
    } else {
      guard let number = Self.quad(text[...]) else { return nil }
      self.init(high: 0, low: Self.mappedPrefix | UInt64(number))
    }
  }

  /// Whether it is one of IPv4.
  public var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix >> 32 }

  /// The address as it stands for one client: of IPv6 the first 64 bits, because whoever has one address of such a net
  /// has them all.
  public var client: NetworkAddress { isIPv4 ? self : NetworkAddress(high: high, low: 0) }

  /// The address as it stands for one site: of IPv6 the first 48 bits, the most that one customer is given as a rule
  /// (RFC 6177, section 2), and so many thousand clients.
  public var site: NetworkAddress { isIPv4 ? self : NetworkAddress(high: high & ~0xFFFF, low: 0) }

  /// As it is written: `192.0.2.7`, or an IPv6 address with its longest run of zeros left out (RFC 5952).
  public var description: String {
    if isIPv4 { return [24, 16, 8, 0].map { "\(low >> UInt64($0) & 0xFF)" }.joined(separator: ".") }
    let groups = [high, low].flatMap { half in [48, 32, 16, 0].map { half >> UInt64($0) & 0xFFFF } }
    var gap = 0..<0
    for start in groups.indices {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
      if end - start > max(1, gap.count) { gap = start..<end }
    }
    let texts = groups.map { String($0, radix: 16) }
    if gap.isEmpty { return texts.joined(separator: ":") }
    return texts[..<gap.lowerBound].joined(separator: ":") + "::" + texts[gap.upperBound...].joined(separator: ":")
  }

  private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000

  /// Four numbers from 0 to 255 without leading zeros, which some would read as octal.
  private static func quad(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
        part.count == 1 || part.first != UInt8(ascii: "0")
      else { return nil }
      let value = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
      guard value <= 255 else { return nil }
      number = number << 8 | value
    }
    return number
  }

  /// The eight groups of an IPv6 address.
  private static func groups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
    let gap = Array("::".utf8)
    guard let found = text.firstRange(of: gap) else {
      let all = run(text)
      return all?.count == 8 ? all : nil
    }
    guard let before = run(text[..<found.lowerBound]), let after = run(text[found.upperBound...]),
      before.count + after.count < 8
    else { return nil }
    return before + Array(repeating: 0, count: 8 - before.count - after.count) + after
  }

  /// Groups with a colon between them, the last two perhaps in IPv4's form.
  private static func run(_ text: ArraySlice<UInt8>) -> [UInt16]? {
    if text.isEmpty { return [] }
    var groups: [UInt16] = []
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
        guard let number = quad(part) else { return nil }
        groups += [UInt16(number >> 16), UInt16(truncatingIfNeeded: number)]
      } else {
        guard (1...4).contains(part.count), let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
          part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-")
        else { return nil }
        groups.append(group)
      }
    }
    return groups.count <= 8 ? groups : nil
  }
}
