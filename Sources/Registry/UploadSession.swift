// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

/// One upload while requests work on it: a lease on the storage's ingest session.
///
/// Isolation: an actor on the loop of the connection that took the upload up first. Between requests everything lives
/// in the storage, so another process may go on with the upload; ``UploadTable`` keeps the sessions of the latest
/// uploads, without descriptor or lock, so that the next chunk does not look again for what the last one has left.
/// Storage calls are taken in turns: an ingest session takes one call at a time, and an actor may be re-entered while
/// it waits.
actor UploadSession {
  let loop: any LoopExecutor
  private let key: UploadKey
  private let storage: any StorageEngine
  private var machine = UploadSessionMachine()
  private var turn = OwnerQueue()
  private var ingest: (any IngestSession)?
  /// Counts the bytes that requests handed over, to tell one that still receives from one that waits for a dead client.
  private var handedOver: UInt64 = 0
  /// Those who wait, in the order in which they came.
  private var patient: [Patience] = []
  /// Until when nobody waits for another process, because somebody has just done so for nothing.
  private var impatientUntil: LoopInstant?

  /// A request that wakes when the one before it lets go, or after a while.
  private struct Patience {
    let owner: OwnerID
    let continuation: UnsafeContinuation<Void, Never>
    let timer: any LoopTimer
  }

  /// How long a request that holds the upload may receive nothing before the next one goes ahead of it.
  static let quietTime: Duration = .milliseconds(100)
  /// How long the next request waits at most, for another one here or for another process.
  static let patienceMax: Duration = .seconds(1)

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ key: UploadKey, storage: any StorageEngine, on loop: any LoopExecutor) {
    self.key = key
    self.storage = storage
    self.loop = loop
  }

  /// Makes the upload in the storage and claims it.
  func begin(algorithm: DigestAlgorithm, by owner: OwnerID) async throws(RegistryError) -> UploadStatus {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    do {
      let session = try await storage.beginIngest(key.id, in: key.repository, algorithm: algorithm)
      ingest = session
      let claim = machine.claim(by: owner, startingAt: nil, standingAt: session.offset)
      precondition(claim == .granted, "a session that has just begun is free")
      return status(of: session)
    } catch {
      throw registryError(error)
    }
  }

  /// Claims the upload for bytes that begin at `start`, or wherever it stands when that is nil. Where they begin
  /// elsewhere than it stands now, a request that still receives is waited for: the bytes of a connection that was cut
  /// a moment ago may be on their way.
  func claim(startingAt start: UInt64?, by owner: OwnerID) async throws(RegistryError) -> UploadStatus {
    if let start, start != ingest?.offset { await waitForOthers(owner) }
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    let session: any IngestSession
    do throws(RegistryError) {
      session = try await opened()
    } catch .uploadBusy {
      throw .uploadHeldElsewhere(stands: try await seenFromOutside())
    }
    switch machine.claim(by: owner, startingAt: start, standingAt: session.offset) {
    case .granted: return status(of: session)
    case .ended: throw .uploadUnknown(key.id)
    case .outOfOrder:
      let stands = status(of: session)
      await releaseUnlessHeld()
      throw .uploadOutOfOrder(stands: stands, claimed: start ?? 0)
    }
  }

  /// Where the upload stands, without claiming it. A request that still receives is waited for, as above, so that the
  /// next one can begin where this says. While another process keeps the lease it is what can be seen without it.
  func inspect(by owner: OwnerID) async throws(RegistryError) -> UploadStatus {
    await waitForOthers(owner)
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    do throws(RegistryError) {
      let stands = status(of: try await opened())
      await releaseUnlessHeld()
      return stands
    } catch .uploadBusy {
      return try await seenFromOutside()
    }
  }

  /// Hands bytes to the storage; returns an empty array for reuse.
  func append(_ bytes: consuming [UInt8], by owner: OwnerID) async throws(RegistryError) -> [UInt8] {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    let session = try held(by: owner)
    handedOver += UInt64(bytes.count)
    do { return try await session.append(consume bytes) } catch { throw failure(error) }
  }

  /// Waits until everything appended can be resumed by anybody.
  func flush(by owner: OwnerID) async throws(RegistryError) -> UploadStatus {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    let session = try held(by: owner)
    do { try await session.flush() } catch { throw failure(error) }
    return status(of: session)
  }

  /// Makes the content a blob of the repository; the upload has ended, except after an environment's fault.
  func commit(as digest: Digest, by owner: OwnerID) async throws(RegistryError) {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    let session = try held(by: owner)
    machine.beginCommit(by: owner)
    do {
      try await session.commit(as: digest)
      finish()
    } catch {
      switch error {
      case .digestMismatch, .sessionGone: finish()
      case .sessionBusy, .noSpace, .exhausted, .readOnly, .failed, .damaged: machine.resumeAfterCommit(by: owner)
      }
      throw registryError(error)
    }
  }

  /// Ends the upload and removes its bytes.
  func cancel(by owner: OwnerID) async throws(RegistryError) {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    let session = try held(by: owner)
    do { try await session.abort() } catch { throw registryError(error) }
    finish()
  }

  /// The request is over. When it still held the session, the storage lets go of descriptors and locks. True when the
  /// next request can go on from here.
  func letGo(by owner: OwnerID) async -> Bool {
    await takeTurn(owner)
    defer { leaveTurn(owner) }
    if machine.letGo(by: owner) {
      await releaseUnlessHeld()
      for waiting in patient { wake(waiting.owner) }
    }
    return ingest != nil
  }

  // Until no other request holds the upload, or the one that does receives nothing, or the patience is over.
  private func waitForOthers(_ owner: OwnerID) async {
    var waited = Duration.zero
    while isHeld, waited < Self.patienceMax {
      let before = handedOver
      await withUnsafeContinuation { continuation in
        // Asked again inside: a task that prefers another loop is enqueued anew before it gets there.
        guard isHeld else { return continuation.resume() }
        let timer = loop.clock.after(Self.quietTime) { [weak self] in
          self?.assumeIsolated { $0.wake(owner) }
        }
        patient.append(Patience(owner: owner, continuation: continuation, timer: timer))
      }
      if handedOver == before { return }
      waited += Self.quietTime
    }
  }

  private var isHeld: Bool {
    switch machine.phase {
    case .idle, .ended: false
    case .appending, .committing: true
    }
  }

  private func wake(_ owner: OwnerID) {
    guard let place = patient.firstIndex(where: { $0.owner == owner }) else { return }
    let waiting = patient.remove(at: place)
    waiting.timer.cancel()
    waiting.continuation.resume()
  }

  // A lease that another process holds is asked for again for a while: a request of a proxy that was cut is over soon.
  // Those who stood in line while somebody waited for nothing ask once: they have waited as long.
  private func patiently<R>(_ ask: () async throws(StorageError) -> R) async throws(StorageError) -> R {
    var (waited, step) = (Duration.zero, Duration.milliseconds(5))
    while true {
      do throws(StorageError) {
        return try await ask()
      } catch .sessionBusy where waited < Self.patienceMax && !isImpatient {
        await pause(for: step)
        waited += step
        step = min(step * 2, .milliseconds(80))
      } catch .sessionBusy {
        if !isImpatient { impatientUntil = loop.clock.now.advanced(by: Self.patienceMax) }
        throw .sessionBusy
      }
    }
  }

  private var isImpatient: Bool { impatientUntil.map { loop.clock.now < $0 } ?? false }

  private func pause(for duration: Duration) async {
    let loop = loop
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      _ = loop.clock.after(duration) { continuation.resume() }
    }
  }

  private func opened() async throws(RegistryError) -> any IngestSession {
    if case .ended = machine.phase { throw .uploadUnknown(key.id) }
    do {
      if let ingest {
        try await patiently { () throws(StorageError) in try await ingest.acquire() }
        return ingest
      }
      let found = try await patiently { () throws(StorageError) in
        try await storage.resumeIngest(key.id, in: key.repository)
      }
      guard let session = found else {
        throw RegistryError.uploadUnknown(key.id)
      }
      ingest = session
      // What is told of it is written down first, so that whoever looks without the lease sees as much.
      try await session.acquire()
      return session
    } catch let error as StorageError {
      throw registryError(error)
    } catch let error as RegistryError {
      throw error
    } catch {
      preconditionFailure("typed throws leave no third kind: \(error)")
    }
  }

  // Where an upload stands whose lease another process has kept for longer than anybody waits.
  private func seenFromOutside() async throws(RegistryError) -> UploadStatus {
    do throws(StorageError) {
      // One that ended meanwhile is not told from one that cannot be seen: the next request will know.
      guard let seen = try await storage.standing(of: key.id, in: key.repository) else { throw .sessionBusy }
      return UploadStatus(id: key.id, repository: key.repository, offset: seen.offset, startedAt: seen.startedAt)
    } catch {
      throw registryError(error)
    }
  }

  private func held(by owner: OwnerID) throws(RegistryError) -> any IngestSession {
    switch machine.verdict(for: owner) {
    case .superseded: throw .uploadSuperseded(key.id)
    case .ended: throw .uploadUnknown(key.id)
    case .proceed:
      guard let ingest else { preconditionFailure("a session that is held is open") }
      return ingest
    }
  }

  private func releaseUnlessHeld() async {
    guard case .idle = machine.phase, let session = ingest else { return }
    await session.release()
  }

  private func finish() {
    machine.end()
    ingest = nil
    for waiting in patient { wake(waiting.owner) }
  }

  // Somebody else has ended the upload: nothing of it is kept.
  private func failure(_ error: StorageError) -> RegistryError {
    if case .sessionGone = error { finish() }
    return registryError(error)
  }

  private func status(of session: any IngestSession) -> UploadStatus {
    UploadStatus(id: key.id, repository: key.repository, offset: session.offset, startedAt: session.startedAt)
  }

  private func registryError(_ error: StorageError) -> RegistryError {
    switch error {
    case .digestMismatch(let expected, let actual): .digestMismatch(expected: expected, actual: actual)
    case .sessionGone: .uploadUnknown(key.id)
    case .sessionBusy: .uploadBusy(key.id)
    case .noSpace, .exhausted, .readOnly, .failed, .damaged: .storage(error)
    }
  }

  private func takeTurn(_ owner: OwnerID) async {
    if turn.tryTake(owner) { return }
    // Asked again inside: a task that prefers another loop is enqueued anew before it gets there.
    await withUnsafeContinuation { turn.takeOrWait(owner, $0) }
  }

  private func leaveTurn(_ owner: OwnerID) {
    turn.leave(owner)?.resume()
  }
}
