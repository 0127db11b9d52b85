// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryMemoryStorage
import GantryStorageConformance
import GantryTestKit
import GantryWorld
import Synchronization

/// Files that fail as plans say: of a simulated disk or of the system.
struct FileTrouble: ConformanceTrouble {
  let reasons: [FileError.Reason]
  /// When in an operation it fails; what cannot fail so fails before.
  let moment: FaultPlan.Moment
  /// Installs a plan, and says how many operations the one before made fail.
  let install: @Sendable (FaultPlan) -> Int

  static let allReasons: [FileError.Reason] = [.noSpace, .failed, .tooManyOpenFiles, .notPermitted]

  func refuse(for reason: FileError.Reason) {
    let kinds: Set<FileOperation.Kind> =
      switch reason {
      case .noSpace: [.create, .write, .makeDirectory, .link]
      case .tooManyOpenFiles: FileOperation.Kind.meeting(reason, .before)
      case .failed: [.sync, .syncDirectory, .create, .makeDirectory, .rename, .link, .remove, .write, .truncate]
      default: Set(FileOperation.Kind.allCases.filter(\.isChange))
      }
    _ = install(FaultPlan([FaultPlan.Fault(reason, of: kinds, times: .max)]))
  }

  func fail(step number: Int, for reason: FileError.Reason) {
    // A lack is told before anything is done, or in the middle of a write.
    let moment: FaultPlan.Moment =
      switch (moment, reason) {
      case (.after, .failed), (.halfway, .failed), (.halfway, .noSpace): moment
      default: .before
      }
    _ = install(.failing(number, of: FileOperation.Kind.meeting(reason, moment), with: reason, moment: moment))
  }

  func end() -> Bool { install(FaultPlan()) > 0 }
}

extension SimulatedDisk {
  /// Operations of this disk that fail.
  func trouble(_ moment: FaultPlan.Moment) -> FileTrouble {
    let before = Counter()
    return FileTrouble(reasons: FileTrouble.allReasons, moment: moment) { [self] plan in
      install(plan)
      return before.advance(to: faultCount)
    }
  }
}

extension FaultyFiles {
  /// Operations of these files that fail.
  func trouble(_ moment: FaultPlan.Moment, reasons: [FileError.Reason]) -> FileTrouble {
    FileTrouble(reasons: reasons, moment: moment) { [self] plan in
      let failures = failureCount
      install(plan)
      return failures
    }
  }
}

private final class Counter: Sendable {
  private let value = Mutex(0)

  func advance(to count: Int) -> Int {
    value.withLock { value in
      defer { value = count }
      return count - value
    }
  }
}

/// A memory that is full: all that can befall it.
struct MemoryTrouble: ConformanceTrouble {
  let storage: MemoryStorage
  let reasons = [FileError.Reason.noSpace]
  private let isTight = Flag()

  init(_ storage: MemoryStorage) {
    self.storage = storage
  }

  func refuse(for reason: FileError.Reason) { storage.limit(to: 0) }

  func fail(step number: Int, for reason: FileError.Reason) {
    // None, one name's, two, four, and so on, up to what any case takes.
    let room = number == 1 ? 0 : UInt64(1) << (number + 7)
    isTight.value.store(room < 1 << 20, ordering: .relaxed)
    storage.limit(to: storage.bytesUsed + room)
  }

  func end() -> Bool {
    storage.limit(to: .max)
    return isTight.value.load(ordering: .relaxed)
  }

  private final class Flag: Sendable {
    let value = Atomic(false)
  }
}
