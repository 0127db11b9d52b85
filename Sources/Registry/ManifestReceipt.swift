// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// What became of a push.
public struct ManifestReceipt: Sendable, Hashable {
  /// The digest that the manifest is stored under.
  public let digest: Digest
  /// The type it is served under.
  public let mediaType: MediaType
  /// The manifest that it is about, if it is about one.
  public let subject: Digest?
  /// The tags that point at it now because of this push.
  public let tags: [Tag]
}
