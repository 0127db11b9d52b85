// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
public import GantryWorld

/// Makes the storage under an engine fail, and mends it.
public protocol ConformanceTrouble: Sendable {
  /// Why this storage can fail.
  var reasons: [FileError.Reason] { get }

  /// From now on all that takes room, or changes anything, fails for this reason. What is there can be read, unless the
  /// reason is that nothing can be opened.
  func refuse(for reason: FileError.Reason)

  /// The `number`th step that the storage makes from now on, counted from 1, fails, once. A storage that has no steps
  /// takes larger numbers for more room.
  func fail(step number: Int, for reason: FileError.Reason)

  /// Ends the trouble. Whether anything failed, or could have.
  @discardableResult
  func end() -> Bool
}

extension ConformanceSubject {
  /// Runs `body` once for each reason why this storage can fail, with a repository of its own.
  func forEachReason(
    _ body: (any ConformanceTrouble, FileError.Reason, RepositoryName) async throws -> Void
  ) async throws {
    guard let trouble else { return }
    for (index, reason) in trouble.reasons.enumerated() {
      do {
        try await body(trouble, reason, try repository("r\(index)"))
      } catch let failure as ConformanceFailure {
        throw ConformanceFailure(description: "\(reason): \(failure.description)")
      } catch let error as StorageError {
        throw ConformanceFailure(description: "\(reason): \(error)")
      }
    }
    try await sweep()
  }

  /// Purges all sessions that nobody holds.
  func sweep() async throws {
    var cursor: String?
    repeat {
      let step = try await engine.purgeIngests(
        startedBefore: WallTime(seconds: 1 << 34), from: cursor, limit: 100, dryRun: false)
      cursor = step.next
    } while cursor != nil
  }

  /// Another engine on the same storage, started; the first where there is none.
  func another() async throws -> any StorageEngine {
    guard let second = makeSecond?() else { return engine }
    try await second.start()
    return second
  }
}

/// The error of the storage that `body` throws, if it does.
func failure(of body: () async throws -> Void) async throws -> StorageError? {
  do {
    try await body()
    return nil
  } catch let error as StorageError {
    return error
  }
}

/// Checks that the storage failed for this reason, as itself and not as something that a client did wrong.
func checkFailed(
  _ error: StorageError?, for reason: FileError.Reason, file: String = #fileID, line: Int = #line
) throws {
  let isRight =
    switch (error, reason) {
    case (.noSpace, .noSpace), (.exhausted, .tooManyOpenFiles), (.readOnly, .notPermitted), (.failed, .failed): true
    default: false
    }
  try check(isRight, "\(error.map { "\($0)" } ?? "nothing failed")", file: file, line: line)
}
