// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `catalog` section.
public struct CatalogSettings: Sendable, Equatable {
  /// `catalog.maxentries`: the longest page of `GET /v2/_catalog`; a larger `n` is clamped to it. Default 1000.
  public var entriesMax: Int

  /// Makes the section; the default is Distribution's.
  public init(entriesMax: Int = 1000) {
    self.entriesMax = entriesMax
  }
}
