// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `validation` section: what a pushed manifest is checked for beyond its form.
public struct ValidationSettings: Sendable, Equatable {
  /// One entry of `validation.manifests.indexes.platformlist`.
  public struct Platform: Sendable, Hashable {
    /// The processor architecture, as Go names it (`amd64`).
    public var architecture: String
    /// The operating system, as Go names it (`linux`).
    public var os: String

    /// Makes a platform from its two names.
    public init(architecture: String, os: String) {
      self.architecture = architecture
      self.os = os
    }
  }

  /// `validation.manifests.indexes.platforms`: for which platforms of an index the images must be present.
  public enum IndexPlatforms: Sendable, Equatable {
    /// Every image of the index.
    case all
    /// None: an index may name images that were not pushed.
    case none
    /// Those of the listed platforms.
    case list([Platform])
  }

  /// `validation.disabled`: skip the checks of this section. Default false.
  public var isDisabled: Bool
  /// `validation.manifests.urls.allow`: regular expressions, one of which a layer's URL must match. Empty: no rule.
  public var urlsAllow: [String]
  /// `validation.manifests.urls.deny`: regular expressions, none of which a layer's URL may match. Empty: no rule.
  public var urlsDeny: [String]
  /// `validation.manifests.indexes`.
  public var indexPlatforms: IndexPlatforms

  /// Makes the section; the defaults let every well-formed manifest pass whose parts are present.
  public init(
    isDisabled: Bool = false, urlsAllow: [String] = [], urlsDeny: [String] = [], indexPlatforms: IndexPlatforms = .all
  ) {
    self.isDisabled = isDisabled
    self.urlsAllow = urlsAllow
    self.urlsDeny = urlsDeny
    self.indexPlatforms = indexPlatforms
  }
}
