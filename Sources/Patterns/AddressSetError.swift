// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is no range of addresses.
public enum AddressSetError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What stands before the slash is no address.
  case noAddress(String)
  /// What stands behind the slash is no length.
  case noLength(String, bitsMax: Int)
  /// The address has bits that its length cuts off.
  case bitsBeyondLength(String)

  /// What is wrong, and what is expected.
  public var description: String {
    switch self {
    case .noAddress:
      "expected an address (192.0.2.7, 2001:db8::7), a range (10.0.0.0/8), or unix"
    case .noLength(_, let bitsMax): "expected a length from 0 to \(bitsMax) behind the slash"
    case .bitsBeyondLength: "the address has bits beyond the length of its range"
    }
  }
}
