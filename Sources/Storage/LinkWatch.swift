// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Tells cheaply whether a cached answer is still true.
///
/// Another process may change the same storage at any time. A cache keeps the watch and the version that it saw
/// **before** it read the content; before it serves the content again it asks for the version once more and serves only
/// when both are equal.
public protocol LinkWatch: Sendable {
  /// The link's version now; nil when the link does not exist or cannot be looked at.
  ///
  /// Isolation: made for a loop, synchronous, about a microsecond (one stat for a file system, one lock in memory).
  func version() -> LinkVersion?
}

/// One state of a link. Two equal versions mean that nothing changed between them.
@frozen
public struct LinkVersion: Sendable, Hashable {
  /// Three numbers that the engine chooses: inode, change time and size for a file system.
  public var identity: (UInt64, UInt64, UInt64)
  /// Whether a later change is sure to give another version. False for a file that was changed so recently that a
  /// second change could leave the same time stamp: such a version must not be cached.
  public var isSettled: Bool

  /// Makes a version.
  @inlinable
  public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, isSettled: Bool) {
    identity = (first, second, third)
    self.isSettled = isSettled
  }

  /// Compares the identities; being settled is no part of it.
  @inlinable
  public static func == (left: LinkVersion, right: LinkVersion) -> Bool {
    left.identity == right.identity
  }

  /// Hashes the identity.
  @inlinable
  public func hash(into hasher: inout Hasher) {
    hasher.combine(identity.0)
    hasher.combine(identity.1)
    hasher.combine(identity.2)
  }
}
