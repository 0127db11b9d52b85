// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// What must hold of the present target of a tag (or of the manifest itself) for a write to go on.
public struct WriteCondition: Sendable, Hashable {
  /// A set of states.
  public enum Target: Sendable, Hashable {
    /// There is something, whatever it is.
    case anything
    /// It is one of these.
    case oneOf([Digest])
  }

  /// The present target must be in this set.
  public var required: Target?
  /// The present target must not be in this set.
  public var forbidden: Target?

  /// A condition; without arguments none.
  public init(required: Target? = nil, forbidden: Target? = nil) {
    self.required = required
    self.forbidden = forbidden
  }

  /// Whether there is anything to check.
  public var isEmpty: Bool { required == nil && forbidden == nil }

  /// Whether a write may go on where `current` is the present target, nil when there is none.
  public func holds(for current: Digest?) -> Bool {
    if let required, !Self.contains(required, current) { return false }
    if let forbidden, Self.contains(forbidden, current) { return false }
    return true
  }

  private static func contains(_ target: Target, _ digest: Digest?) -> Bool {
    guard let digest else { return false }
    switch target {
    case .anything: return true
    case .oneOf(let digests): return digests.contains(digest)
    }
  }
}
