// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
public import GantryStorage
public import GantryWorld
import Synchronization

/// The storage in memory: gone when the process ends, and the reference that other engines are compared with.
///
/// Isolation: safe from everywhere; one lock guards all tables and is never held across a suspension or a digest.
/// Content is kept as long as a repository links it.
///
/// What is stored has a limit, which content and names count towards. A change beyond it fails as
/// ``StorageError/noSpace(_:)`` and does nothing; there is room again when uploads end and links go.
public final class MemoryStorage: StorageEngine {
  private let clock: any WallClock
  private let tables: Mutex<Tables>

  /// Makes an empty storage with room for `bytesMax` bytes; `clock` dates the upload sessions.
  public init(clock: any WallClock, bytesMax: UInt64 = .max) {
    self.clock = clock
    tables = Mutex(Tables(room: Room(bytesMax: bytesMax)))
  }

  /// Bytes that count towards the limit now.
  public var bytesUsed: UInt64 { withTables { $0.room.bytesUsed } }

  /// Sets another limit. What is stored beyond it stays; nothing is added until it is below.
  public func limit(to bytesMax: UInt64) {
    withTables { $0.room.bytesMax = bytesMax }
  }

  /// Does nothing: there is nothing to recover.
  public func start() async throws(StorageError) {}

  /// See ``StorageEngine/stop()``: there is nothing behind.
  public func stop() async throws(StorageError) {}

  /// Always answers.
  public func check() async throws(StorageError) {}

  /// Runs `body` with the tables, alone.
  func withTables<R, E: Error>(_ body: (inout Tables) throws(E) -> sending R) throws(E) -> sending R {
    try tables.withLock { (tables) throws(E) in try body(&tables) }
  }

  /// The time of day now.
  var now: WallTime { clock.now }
}
