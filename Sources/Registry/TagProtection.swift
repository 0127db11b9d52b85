// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryPatterns

/// Tags that are never moved or removed once they are set.
public struct TagProtection: Sendable, Hashable {
  /// In which repositories: those that match any of these.
  public var repositories: [Glob]
  /// Which tags: those that match any of these.
  public var tags: [Glob]

  /// Makes a protection.
  public init(tags: [Glob], repositories: [Glob] = [.everything]) {
    self.tags = tags
    self.repositories = repositories
  }

  /// Whether it protects the tag.
  public func covers(_ tag: Tag, in repository: RepositoryName) -> Bool {
    let (tag, name) = (tag.description, repository.description)
    return tags.contains { $0.matches(tag) } && repositories.contains { $0.matches(name) }
  }
}
