// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@testable import GantryRegistry

struct UploadPurgerTests {
  /// Workers end after the registry has stopped, so a purge that went on would ask ended ones.
  @Test(arguments: 0..<20) func nothingIsAskedOfTheStorageAfterStop(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: seed, workerDelay: .milliseconds(1) ... .milliseconds(5))
    let isStopped = Atomic(false)
    let operations = Mutex<(during: Int, after: Int)>((0, 0))
    try simulation.run { () async throws in
      let storage = FilesystemStorage(root: "/data", world: simulation.world) { _ in }
      try await storage.start()
      for number in 0..<200 {
        let name = try RepositoryName(parsing: "r\(number)")
        try await storage.beginIngest(UploadID(parsing: "upload-\(number)"), in: name, algorithm: .sha256).release()
      }
      let purging = UploadPurging(firstDelayMax: .zero)
      let service = RegistryService(
        world: simulation.world, storage: storage, policy: RegistryPolicy(purging: purging))
      simulation.disk.observe { _ in
        operations.withLock { counts in
          if isStopped.load(ordering: .relaxed) { counts.after += 1 } else { counts.during += 1 }
        }
      }
      await service.start()
      await simulation.pause(for: .milliseconds(Int64(seed)))
      await service.stop()
      isStopped.store(true, ordering: .relaxed)
      await simulation.pause(for: .seconds(1))
    }
    simulation.scheduler.settle()
    let (during, after) = operations.withLock { $0 }
    #expect(after == 0)
    // In the first milliseconds no script may have begun yet.
    #expect(during > 0 || seed < 6)
  }
}
