// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
import GantryWorld

/// A request's hold on an upload.
///
/// Ownership: belongs to one request, not `Sendable`. However the request ends, it calls ``end()``; after
/// ``commit(as:)`` or ``cancel()`` that is still due. The upload itself outlives the lease until it is committed or
/// cancelled.
public final class UploadLease {
  /// Where the upload stood when it was claimed or last flushed.
  public private(set) var status: UploadStatus
  /// Bytes that were handed over since ``status`` was taken.
  public private(set) var appendedBytes: UInt64 = 0

  private let session: UploadSession
  private let table: UploadTable
  private let locks: BlobLocks
  private let owner: OwnerID
  private var isOpen = true

  init(_ status: UploadStatus, session: UploadSession, table: UploadTable, locks: BlobLocks, owner: OwnerID) {
    self.status = status
    self.session = session
    self.table = table
    self.locks = locks
    self.owner = owner
  }

  deinit {
    assert(!isOpen, "an upload lease is ended")
  }

  /// Where the upload stands counting what was appended since.
  public var offset: UInt64 { status.offset + appendedBytes }

  /// Hands over the next bytes, waiting while too many are pending. Returns an empty array for reuse.
  public func append(_ bytes: consuming [UInt8]) async throws(RegistryError) -> [UInt8] {
    let count = UInt64(bytes.count)
    let reusable = try await session.append(consume bytes, by: owner)
    appendedBytes += count
    return reusable
  }

  /// Waits until everything that was appended can be resumed by anybody, and says where the upload stands.
  @discardableResult
  public func flush() async throws(RegistryError) -> UploadStatus {
    status = try await session.flush(by: owner)
    appendedBytes = 0
    return status
  }

  /// Makes the content a blob of the repository: durable and visible at return. On
  /// ``RegistryError/digestMismatch(expected:actual:)`` nothing is stored and the upload is gone.
  public func commit(as digest: Digest) async throws(RegistryError) {
    await locks.take(digest, owner)
    do {
      try await session.commit(as: digest, by: owner)
    } catch {
      await locks.leave(digest, owner)
      throw error
    }
    await locks.leave(digest, owner)
  }

  /// Ends the upload; its bytes are gone.
  public func cancel() async throws(RegistryError) {
    try await session.cancel(by: owner)
  }

  /// Gives the upload back. What was flushed stays.
  public func end() async {
    precondition(isOpen, "an upload lease is ended once")
    isOpen = false
    let goesOn = await session.letGo(by: owner)
    await table.checkIn(UploadKey(repository: status.repository, id: status.id), isWorthKeeping: goesOn)
  }
}
