// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// What is checked when a manifest is pushed, beyond its form.
public struct ManifestValidation: Sendable {
  /// Which children of an index must be in the repository.
  public enum IndexChildren: Sendable, Hashable {
    /// All of them.
    case all
    /// None.
    case none
    /// Those for one of these platforms; only architecture and operating system count.
    case platforms([Platform])
  }

  /// Whether references are checked at all.
  public var isEnabled: Bool
  /// Which children of an index must be there.
  public var indexChildren: IndexChildren
  /// Which URLs layers may name; nil: any.
  public var urls: URLRules?

  /// A validation; without arguments every reference must be there and any URL is taken.
  public init(isEnabled: Bool = true, indexChildren: IndexChildren = .all, urls: URLRules? = nil) {
    self.isEnabled = isEnabled
    self.indexChildren = indexChildren
    self.urls = urls
  }
}
