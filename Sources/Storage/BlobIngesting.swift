// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

/// Takes blobs in: upload sessions whose whole state lives in the storage under their id.
///
/// An ``IngestSession`` is a lease on that state, never its only holder: any process can take the session up again by
/// ``resumeIngest(_:in:)`` from what was flushed.
public protocol BlobIngesting: Sendable {
  /// Makes a session. Its id must be new in the repository. The blob is invisible until it is committed.
  func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession

  /// Takes up the session at the bytes that the storage holds, or nil when there is none. Throws
  /// ``StorageError/sessionBusy`` while another process appends to it.
  func resumeIngest(_ id: UploadID, in repository: RepositoryName) async throws(StorageError) -> (any IngestSession)?

  /// Where a session stands, asked without its lease and without disturbing whoever has it: at least what had been
  /// flushed when this was asked, and never more than the storage holds. It may have grown when it is told. Nil when
  /// there is no session, or it cannot be found for the moment.
  func standing(of id: UploadID, in repository: RepositoryName) async throws(StorageError) -> IngestStanding?

  /// Removes up to `limit` sessions that began before `cutoff` and are held by nobody; with `dryRun` only counts them.
  /// Walks on from `cursor` (nil: from the start) and returns where to go on, nil at the end, so that a purge never
  /// walks everything at once.
  func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep
}

/// Where a session stands, as others see it.
public struct IngestStanding: Sendable, Hashable {
  /// Bytes that whoever takes the session up next finds, or more.
  public var offset: UInt64
  /// When the session began.
  public var startedAt: WallTime

  /// Makes a standing.
  public init(offset: UInt64, startedAt: WallTime) {
    self.offset = offset
    self.startedAt = startedAt
  }
}

/// What one step of a purge did.
public struct PurgeStep: Sendable, Hashable {
  /// The sessions that were removed, or would have been.
  public var removed: [UploadID]
  /// Where the next step begins; nil when the walk is over.
  public var next: String?

  /// Makes a step.
  public init(removed: [UploadID], next: String?) {
    self.removed = removed
    self.next = next
  }
}

/// The storage's side of one upload session.
///
/// Lifecycle: begin or resume, then any number of ``acquire()``, ``append(_:)``, ``flush()`` and ``release()``, then
/// exactly one of ``commit(as:)`` that returned and ``abort()``. After a failed append or commit the session is still
/// good: `offset` is true, and appending goes on there (but see ``commit(as:)``). Once it has ended, every call but
/// ``release()`` and ``abort()`` throws ``StorageError/sessionGone``.
///
/// The lease: begin and resume take it, ``release()`` and the end of the session give it back, and so do the last
/// reference and a crash of the process. Any call takes it again when it was given back, and throws
/// ``StorageError/sessionBusy`` while another holder has it.
///
/// Isolation and ownership: one owner, one call at a time; not `Sendable`. Holds no descriptor and no worker while idle
/// after ``release()``.
public protocol IngestSession: AnyObject {
  /// The session's id.
  var id: UploadID { get }
  /// The repository that it belongs to.
  var repository: RepositoryName { get }
  /// The algorithm that is computed while the bytes arrive.
  var algorithm: DigestAlgorithm { get }
  /// When the session began.
  var startedAt: WallTime { get }
  /// Bytes taken so far, exactly, as of the last time the lease was held.
  var offset: UInt64 { get }

  /// Takes the lease when it was given back, and makes `offset` true: another process may have gone on meanwhile, and
  /// what was appended has been written, or has failed to be, so that a crash of this process takes nothing back of
  /// what `offset` says. Call before an offset is compared or told. Free when the lease is held and nothing is pending.
  func acquire() async throws(StorageError)

  /// Takes the next bytes. May return before they are written: at most 1 MiB is pending, and while it is, this waits.
  /// A failure of an earlier append may be thrown by a later one or by ``flush()``; `offset` is then set back to what
  /// is in the storage. When the lease had to be taken again and the session had moved meanwhile, nothing is taken,
  /// `offset` is made true and ``StorageError/sessionBusy`` is thrown. Returns an empty array for reuse, with capacity
  /// where possible.
  func append(_ bytes: consuming [UInt8]) async throws(StorageError) -> [UInt8]

  /// Waits until everything appended is in the storage, with the hash state, so that another process (after a crash of
  /// this one, too) resumes at `offset`. After a power cut it resumes at what the engine had synced by then, or later,
  /// never beyond bytes that are whole.
  func flush() async throws(StorageError)

  /// Lets go of descriptors and locks; the next call takes them again. Call when a request has ended, after
  /// ``flush()``: what was not flushed may be lost.
  func release() async

  /// Verifies the digest, makes content and names durable, links the blob into the repository and ends the session.
  ///
  /// At return the blob is visible and survives a power cut. On ``StorageError/digestMismatch(expected:actual:)``
  /// nothing is stored and the session has ended, its bytes are gone (clause 6.3). After any other error the same
  /// commit may be tried again, and appending goes on unless the content had got its place already (then ``append(_:)``
  /// throws ``StorageError/sessionGone``). The digest may be of another algorithm than the session's; the content is
  /// then read once more. Committing a digest that is stored already keeps the stored copy.
  func commit(as digest: Digest) async throws(StorageError)

  /// Ends the session and removes its bytes. Idempotent, also after a commit.
  func abort() async throws(StorageError)
}
