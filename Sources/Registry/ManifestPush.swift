// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// A manifest on its way in.
public struct ManifestPush: Sendable {
  /// The document, stored byte for byte.
  public var bytes: [UInt8]
  /// The type it was declared with; nil when it was declared with none.
  public var contentType: MediaType?
  /// What it is pushed under: a tag, or its own digest.
  public var reference: Reference
  /// More tags to set, for a push by digest (end-7b).
  public var tags: [Tag]
  /// What must hold of `reference` for the push to go on.
  public var condition: WriteCondition

  /// Makes a push.
  public init(
    bytes: [UInt8], contentType: MediaType?, reference: Reference, tags: [Tag] = [],
    condition: WriteCondition = WriteCondition()
  ) {
    self.bytes = bytes
    self.contentType = contentType
    self.reference = reference
    self.tags = tags
    self.condition = condition
  }
}
