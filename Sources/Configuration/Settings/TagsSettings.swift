// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `tags` section.
public struct TagsSettings: Sendable, Equatable {
  /// `tags.maxtags`: the longest page of `GET /v2/<name>/tags/list` when `n` is given; a larger `n` is clamped to it.
  /// Default 1000.
  public var tagsMax: Int

  /// Makes the section; the default is Distribution's.
  public init(tagsMax: Int = 1000) {
    self.tagsMax = tagsMax
  }
}
