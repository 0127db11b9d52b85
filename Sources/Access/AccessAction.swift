// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a rule may grant.
public enum AccessAction: String, Sendable, Hashable, CaseIterable {
  /// Reading manifests, blobs, tags and referrers.
  case pull
  /// Uploading blobs, storing manifests, setting tags.
  case push
  /// Removing tags, manifests and blobs.
  case delete
  /// Seeing the repository in the catalog, if it may be pulled too.
  case catalog
}
