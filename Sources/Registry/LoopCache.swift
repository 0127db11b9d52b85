// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage
import GantryWorld

/// What one loop remembers of what it served: manifests, and open files of blobs.
///
/// Isolation: one actor per loop, called by the connections of that loop, so that a hot read makes no hop. Every
/// entry is revalidated by one stat of its link before it is served, so that it is true whoever changed the storage;
/// it is kept only with a proof that was made before the content was read.
public actor LoopCache {
  private let loop: any LoopExecutor
  private let limits: CacheLimits
  private var manifests: LRUTable<CacheKey, HotManifest>
  private var blobs: LRUTable<CacheKey, HotBlob>
  private var sweep: (any LoopTimer)?
  private var isStopped = false
  private var manifestHits: UInt64 = 0
  private var manifestMisses: UInt64 = 0
  private var blobHits: UInt64 = 0
  private var blobMisses: UInt64 = 0

  /// The loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(limits: CacheLimits, on loop: any LoopExecutor) {
    self.loop = loop
    self.limits = limits
    manifests = LRUTable(countMax: limits.manifestsMax, weightMax: limits.manifestBytesMax)
    blobs = LRUTable(countMax: limits.openBlobsMax, weightMax: limits.openBlobsMax * 8)
  }

  /// The manifest kept under `key`, if it is still true. Who looks again after a miss says that the first does not
  /// count.
  public func manifest(_ key: CacheKey, countsMiss: Bool = true) -> HotManifest? {
    guard let hot = manifests.use(key, now: now) else {
      if countsMiss { manifestMisses &+= 1 }
      return nil
    }
    if hot.proof.holds {
      manifestHits &+= 1
      return hot
    }
    if countsMiss { manifestMisses &+= 1 }
    manifests.remove(key)
    return nil
  }

  /// The blob kept under `key`, if it is still linked.
  public func blob(_ key: CacheKey, countsMiss: Bool = true) -> HotBlob? {
    guard let hot = blobs.use(key, now: now) else {
      if countsMiss { blobMisses &+= 1 }
      return nil
    }
    if hot.proof.holds {
      blobHits &+= 1
      return hot
    }
    if countsMiss { blobMisses &+= 1 }
    blobs.remove(key)
    return nil
  }

  /// What it holds, and how often it had what was asked for.
  var measures: CacheMeasures {
    CacheMeasures(
      manifests: manifests.count, manifestBytes: manifests.weight, openBlobs: blobs.count, manifestHits: manifestHits,
      manifestMisses: manifestMisses, blobHits: blobHits, blobMisses: blobMisses)
  }

  /// Keeps a manifest under `key`, which must determine it as long as the proof holds.
  public func keep(
    _ key: CacheKey, _ manifest: StoredManifest, proof: CacheProof, prepared: any AnyObject & Sendable
  ) {
    guard !isStopped else { return }
    let hot = HotManifest(manifest, proof: proof, prepared: prepared)
    manifests.keep(key.detached, hot, weight: manifest.bytes.count + key.count + Self.bookkeepingBytes, now: now)
    scheduleSweep()
  }

  /// Keeps an open blob under `key`, which must determine it as long as the proof holds.
  public func keep(_ key: CacheKey, _ blob: StoredBlob, proof: CacheProof, prepared: any AnyObject & Sendable) {
    guard !isStopped else { return }
    blobs.keep(key.detached, HotBlob(blob, proof: proof, prepared: prepared), weight: 1, now: now)
    scheduleSweep()
  }

  /// Forgets everything and keeps nothing from now on.
  func stop() {
    isStopped = true
    sweep?.cancel()
    sweep = nil
    manifests.removeAll()
    blobs.removeAll()
  }

  /// Entry, prepared fields and watch of a manifest, roughly.
  private static let bookkeepingBytes = 1024

  private var now: UInt64 { loop.clock.now.nanoseconds }

  /// The timer runs only while something is kept, so that an idle loop sleeps.
  private func scheduleSweep() {
    guard sweep == nil, manifests.count + blobs.count > 0 else { return }
    sweep = loop.clock.after(limits.idleMax) { [weak self] in
      guard let self else { return }
      spawn(on: self.loop) { await self.sweepOnce() }
    }
  }

  private func sweepOnce() {
    sweep = nil
    guard !isStopped else { return }
    let idle = limits.idleMax.wholeNanoseconds
    let cutoff = now > idle ? now - idle : 0
    manifests.removeUnused(since: cutoff)
    blobs.removeUnused(since: cutoff)
    scheduleSweep()
  }
}
