// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// Keeps tags: names that point at manifests of the same repository.
public protocol TagStoring: Sendable {
  /// Where the tag points, or nil when there is no such tag or its link is torn.
  func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest?

  /// A watch on the tag's link.
  func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch

  /// Points the tag at the digest, in one step: a reader sees the old or the new. Durable and visible at return. False,
  /// and nothing changed, when the condition does not hold.
  func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool

  /// Removes the tag. False when there was none, or the condition does not hold. Durable at return.
  func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool

  /// At most `limit` tags after `last` (strictly; it need not exist) in byte order, and whether more follow; nil when
  /// the repository is unknown, which is when it never had a manifest (Distribution's `_manifests`).
  func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>?

  /// Every tag that points at the digest.
  func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag]
}

extension TagStoring {
  /// Points the tag at the digest, whatever else there is.
  public func setTag(_ tag: Tag, to digest: Digest, in repository: RepositoryName) async throws(StorageError) {
    _ = try await setTag(tag, to: digest, in: repository, provided: .nothing)
  }

  /// Removes the tag, wherever it points.
  public func removeTag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await removeTag(tag, in: repository, provided: .nothing)
  }
}

/// One page of an ordered list.
public struct ListPage<Element: Sendable>: Sendable {
  /// The page's elements, in order.
  public var elements: [Element]
  /// Whether the list goes on after them.
  public var hasMore: Bool

  /// Makes a page.
  public init(elements: [Element], hasMore: Bool) {
    self.elements = elements
    self.hasMore = hasMore
  }
}
