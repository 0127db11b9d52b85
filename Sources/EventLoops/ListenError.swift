// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Why a server cannot listen where it was told to.
public struct ListenError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where.
  public var address: ListenAddress
  /// What is wrong, and what to do about it where that is known.
  public var description: String
  /// Whether another process listens there.
  public var isAddressInUse: Bool
}
