// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

/// Why a storage operation failed. "There is no such thing" is not an error: such operations return nil or false.
public enum StorageError: Error, Sendable, Hashable {
  /// The content that was uploaded has another digest than the one it was to be committed under. Nothing was stored.
  case digestMismatch(expected: Digest, actual: Digest)
  /// The session's content is not there any more: it was committed, aborted or purged, here or by another process.
  case sessionGone
  /// Another process holds the session at this moment.
  case sessionBusy
  /// The disk or the quota is full. Nothing acknowledged is lost; the operation may be tried again later.
  case noSpace(FileError)
  /// No descriptors, or another limit of the system, for the moment.
  case exhausted(FileError)
  /// The storage may not be written.
  case readOnly(FileError)
  /// The storage failed.
  case failed(FileError)
  /// What is stored contradicts itself; the text says what and where, for the log.
  case damaged(String)

  /// The storage's word for a failed file operation.
  public init(_ error: FileError) {
    switch error.reason {
    case .noSpace: self = .noSpace(error)
    case .tooManyOpenFiles: self = .exhausted(error)
    case .notPermitted: self = .readOnly(error)
    case .absent, .exists, .unsupported, .invalidName, .failed: self = .failed(error)
    }
  }
}
