// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

extension RegistryService {
  /// Begins an upload (end-4). The lease is the caller's to end. `home` is the caller's loop.
  public func beginUpload(
    in repository: RepositoryName, algorithm: DigestAlgorithm, home: any LoopExecutor
  ) async throws(RegistryError) -> UploadLease {
    try requireWritable()
    var id = UploadID(uuidBytes: world.entropy.bytes(16))
    // One that the caller's own loop keeps spares each of the upload's requests the way to another loop and back.
    for _ in 0..<8 where world.loop(owning: id.description).index != home.index {
      id = UploadID(uuidBytes: world.entropy.bytes(16))
    }
    return try await lease(UploadKey(repository: repository, id: id), home: home) {
      session, owner throws(RegistryError) in
      try await session.begin(algorithm: algorithm, by: owner)
    }
  }

  /// Takes up an upload for bytes that begin at `start`, or wherever it stands when that is nil. The lease is the
  /// caller's to end. `home` is the caller's loop.
  public func claimUpload(
    _ id: UploadID, in repository: RepositoryName, startingAt start: UInt64?, home: any LoopExecutor
  ) async throws(RegistryError) -> UploadLease {
    try requireWritable()
    return try await lease(UploadKey(repository: repository, id: id), home: home) {
      session, owner throws(RegistryError) in
      try await session.claim(startingAt: start, by: owner)
    }
  }

  /// Where an upload stands (end-13). Disturbs nobody who works on it.
  public func uploadStatus(
    _ id: UploadID, in repository: RepositoryName, home: any LoopExecutor
  ) async throws(RegistryError) -> UploadStatus {
    let key = UploadKey(repository: repository, id: id)
    let table = uploadTable(of: id)
    let session = await table.checkOut(key, home: home)
    do {
      let status = try await session.inspect(by: owners.next())
      await table.checkIn(key, isWorthKeeping: true)
      return status
    } catch {
      await table.checkIn(key, isWorthKeeping: false)
      throw error
    }
  }

  private func lease(
    _ key: UploadKey, home: any LoopExecutor,
    _ claim: (UploadSession, OwnerID) async throws(RegistryError) -> UploadStatus
  ) async throws(RegistryError) -> UploadLease {
    let owner = owners.next()
    let table = uploadTable(of: key.id)
    let session = await table.checkOut(key, home: home)
    do {
      let status = try await claim(session, owner)
      return UploadLease(status, session: session, table: table, locks: locks, owner: owner)
    } catch {
      await table.checkIn(key, isWorthKeeping: false)
      throw error
    }
  }
}
