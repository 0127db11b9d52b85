// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Addresses of clients or proxies, as ranges in the notation of RFC 4632 (`10.0.0.0/8`, `2001:db8::/32`), single
/// addresses, and the word `unix` for whoever comes through a unix-domain socket and so has none.
public struct AddressSet: Sendable, Hashable {
  private struct Range: Hashable {
    let mask: NetworkAddress
    let base: NetworkAddress
  }

  private var ranges: [Range] = []
  private var holdsUnix = false

  /// No address.
  public init() {}

  /// Reads elements; the first that is none is told of.
  public init(_ texts: [String]) throws(AddressSetError) {
    for text in texts { try insert(text) }
  }

  /// Adds what one element says.
  public mutating func insert(_ text: String) throws(AddressSetError) {
    if text == "unix" {
      holdsUnix = true
      return
    }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = NetworkAddress(parts[0]), !text.contains("%") else { throw .noAddress(text) }
    let bitsMax = address.isIPv4 && !parts[0].contains(":") ? 32 : 128
    var bits = bitsMax
    if parts.count == 2 {
      guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let length = Int(parts[1]), length <= bitsMax
      else { throw .noLength(text, bitsMax: bitsMax) }
      bits = length
    }
    let mask = Self.mask(bits + 128 - bitsMax)
    guard address.high & ~mask.high == 0, address.low & ~mask.low == 0 else { throw .bitsBeyondLength(text) }
    ranges.append(Range(mask: mask, base: address))
  }

  /// Whether there is none in it.
  public var isEmpty: Bool { ranges.isEmpty && !holdsUnix }

  /// Whether the address is in it; nil stands for whoever has none.
  public func contains(_ address: NetworkAddress?) -> Bool {
    guard let address else { return holdsUnix }
    return ranges.contains { range in
      address.high & range.mask.high == range.base.high && address.low & range.mask.low == range.base.low
    }
  }

  private static func mask(_ bits: Int) -> NetworkAddress {
    let high = bits >= 64 ? UInt64.max : bits == 0 ? 0 : UInt64.max << UInt64(64 - bits)
    let low = bits <= 64 ? 0 : UInt64.max << UInt64(128 - bits)
    return NetworkAddress(high: high, low: low)
  }
}
