// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryRegistry
internal import GantryStorage
internal import Logging

/// Logs what the purge of forgotten uploads did.
struct PurgeLog: RegistryObserver {
  private let logger: Logger

  init(_ logger: Logger) {
    self.logger = logger
  }

  func purged(uploads count: Int, isDryRun: Bool) {
    logger.info("purged forgotten uploads", metadata: ["count": "\(count)", "dryrun": "\(isDryRun)"])
  }

  func purgeFailed(_ error: StorageError) {
    logger.error("the purge of forgotten uploads ended early", metadata: ["error": "\(error.explanation)"])
  }
}

extension StorageError {
  /// What went wrong, for the log: with operation and path.
  var explanation: String {
    switch self {
    case .digestMismatch(let expected, let actual): "digest mismatch: expected \(expected), got \(actual)"
    case .sessionGone: "the upload is gone"
    case .sessionBusy: "another process holds the upload"
    case .noSpace(let error): "no space left: \(error.explanation)"
    case .exhausted(let error): "out of descriptors: \(error.explanation)"
    case .readOnly(let error): "not writable: \(error.explanation)"
    case .failed(let error): error.explanation
    case .damaged(let text): "damaged: \(text)"
    }
  }
}
