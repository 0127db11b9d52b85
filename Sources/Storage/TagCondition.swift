// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// What has to hold for a tag to be changed. Looked at in the same step as the change is made, whichever process of
/// those that share the storage makes others.
public enum TagCondition: Sendable, Hashable {
  /// Nothing.
  case nothing
  /// The repository has this manifest.
  case hasManifest(Digest)
  /// The tag points at this manifest.
  case pointsAt(Digest)
  /// The tag points at this manifest, which the repository does not have.
  case dangles(Digest)
}
