// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The tag under which clients keep a list of referrers on registries without end-12 (OCI distribution-spec,
/// "Referrers tag schema").
public enum FallbackTag {
  /// `<algorithm>-<encoded>`: the parts cut to 32 and 64 characters. A digest in hand has no character that a tag
  /// could not have, so nothing is left to be replaced.
  public static func name(for digest: Digest) -> Tag {
    Tag(valid: "\(digest.algorithm.name.prefix(32))-\(digest.hex.prefix(64))")
  }
}
