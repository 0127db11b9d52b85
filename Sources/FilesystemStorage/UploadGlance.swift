// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
public import GantryOCI
public import GantryStorage
import GantryWorld

extension FilesystemStorage {
  /// See ``BlobIngesting/standing(of:in:)``. Nil also while what is there has to be proven by its bytes, which takes
  /// the lease: after a power cut, until whoever takes the session up has done so.
  public func standing(
    of id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> IngestStanding? {
    let place = tree.layout.upload(id, in: repository)
    return try await script { (tree) throws(FileError) in try tree.glance(at: place) }
  }
}

extension StoredTree {
  /// What a look at a session whose lease another one may have found.
  private enum Glance {
    case told(UInt64)
    /// What was listed is gone: whoever has the lease has gone on meanwhile.
    case overtaken
  }

  /// How often a look is taken anew. Each time the session has gone on by two flushes.
  private static let glancesMax = 16

  /// Where a session stands, without its lease. Changes nothing.
  func glance(at place: UploadPlace) throws(FileError) -> IngestStanding? {
    guard let stamp = try contents(of: place.startedAt, atMost: 64),
      let startedAt = WallTime(rfc3339: String(decoding: stamp, as: UTF8.self))
    else { return nil }
    let isOurs = String(decoding: stamp, as: UTF8.self).hasSuffix(Self.ownZone)
    for _ in 0..<Self.glancesMax {
      guard let glance = try glance(at: place, isOurs: isOurs) else { return nil }
      if case .told(let offset) = glance { return IngestStanding(offset: offset, startedAt: startedAt) }
    }
    return nil
  }

  /// The latest hash state that is whole, or the mark where that is further on; as long as the boot that wrote them is
  /// not over. A flush leaves the state before its own as it is, and the one before that gets the new name; so when the
  /// latest of a list cannot be read, there is a later one.
  private func glance(at place: UploadPlace, isOurs: Bool) throws(FileError) -> Glance? {
    let mark = try mark(of: place)
    let note = try uploadNote(at: place)
    var offset = mark?.byteCount ?? 0
    if let note {
      guard try isLiving(note.boot) else { return nil }
      let algorithms = (try files.entries(place.hashStates) ?? []).compactMap { DigestAlgorithm(name: $0.name) }
      for algorithm in mark.map({ [$0.algorithm] }) ?? algorithms {
        let names = try files.entries(place.hashStates(algorithm)) ?? []
        for listed in names.compactMap({ UInt64($0.name) }).sorted(by: >) where listed > offset {
          guard let bytes = try contents(of: place.hashState(algorithm, at: listed), atMost: 256) else {
            return .overtaken
          }
          // One that is being written stands for nothing yet.
          guard RunningDigest(goState: bytes)?.byteCount == listed else { continue }
          offset = listed
          break
        }
      }
    } else if mark != nil {
      // A power cut has left it so.
      return nil
    }
    // Asked last, so that what is told was there.
    guard let status = try files.status(place.data) else { return nil }
    let isForeign = !isOurs && mark == nil && note == nil
    return .told(isForeign ? status.size : min(offset, status.size))
  }
}
