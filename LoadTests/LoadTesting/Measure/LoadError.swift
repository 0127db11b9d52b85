// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why an operation failed, by the kinds that are counted.
public enum FaultKind: String, Sendable, Hashable, CaseIterable {
  /// No connection could be made.
  case connect
  /// The connection was cut before an answer began, or while a request was sent.
  case reset
  /// Nothing moved for as long as the time limit says.
  case timeout
  /// An answer had another status than the operation needs.
  case status
  /// An answer ended before its announced end.
  case truncated
  /// The bytes are not those that the digest names.
  case digest
  /// The answer is not HTTP, or lacks what the specification demands.
  case `protocol`
}

/// One failed operation.
public struct LoadError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind.
  public var kind: FaultKind
  /// What happened, with the request it happened to.
  public var detail: String

  /// Makes an error.
  public init(_ kind: FaultKind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  /// `kind: detail`.
  public var description: String { "\(kind.rawValue): \(detail)" }
}
