// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// A descriptor whose size is not that of its content.
public struct SizeContradiction: Sendable, Hashable {
  /// The content.
  public let digest: Digest
  /// What the descriptor says, in bytes.
  public let stated: Int64
  /// What is stored, in bytes.
  public let stored: UInt64

  /// Makes a contradiction.
  public init(digest: Digest, stated: Int64, stored: UInt64) {
    self.digest = digest
    self.stated = stated
    self.stored = stored
  }
}
