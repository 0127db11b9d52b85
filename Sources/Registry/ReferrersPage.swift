// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// A part of the list of manifests that are about a subject.
public struct ReferrersPage: Sendable, Hashable {
  /// The manifests, by digest.
  public let descriptors: [Descriptor]
  /// After which digest the list goes on; nil at its end.
  public let next: Digest?
}
