// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
import Synchronization

/// The rules in force about tags that stay where they are, which an operator may exchange while requests are served.
///
/// Isolation: read by every repository in its turn; a push that was checked goes on.
public final class ProtectedTags: Sendable {
  private let rules: Mutex<[TagProtection]>

  /// Begins with these rules.
  public init(_ rules: [TagProtection] = []) {
    self.rules = Mutex(rules)
  }

  /// Puts other rules in force.
  public func replace(with rules: [TagProtection]) {
    self.rules.withLock { $0 = rules }
  }

  /// Whether a rule protects the tag.
  public func covers(_ tag: Tag, in repository: RepositoryName) -> Bool {
    let current = rules.withLock { $0 }
    return current.contains { $0.covers(tag, in: repository) }
  }
}
