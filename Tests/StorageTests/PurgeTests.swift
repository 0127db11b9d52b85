// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// Very many uploads that nobody goes on with.
@Suite struct PurgeTests {
  /// A purge is steps of bounded length, whatever there is, and looks at nothing twice.
  @Test func aPurgeOfTenThousandIsManySmallSteps() throws {
    let (count, limit) = (10_000, 64)
    let simulation = SimulatedWorld(seed: 5)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      for number in 0..<count {
        let id = UploadID(uuidBytes: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * (15 - $0))) })
        let name = try RepositoryName(parsing: "team\(number % 40)/app\(number % 3)")
        try await engine.beginIngest(id, in: name, algorithm: .sha256).release()
      }
      let now = simulation.wallClock.now
      for (isOld, perStep, perUpload) in [(false, 9000, 3), (true, 2000, 12)] {
        let cutoff = WallTime(seconds: now.seconds + (isOld ? 10 : -10))
        simulation.disk.resetLog()
        var (cursor, removed, steps) = (nil as String?, 0, 0)
        repeat {
          let before = simulation.disk.operationCount
          let step = try await engine.purgeIngests(startedBefore: cutoff, from: cursor, limit: limit, dryRun: false)
          #expect(simulation.disk.operationCount - before <= perStep)
          #expect(step.removed.count <= limit)
          (cursor, removed, steps) = (step.next, removed + step.removed.count, steps + 1)
        } while cursor != nil
        #expect(removed == (isOld ? count : 0))
        #expect(steps >= (isOld ? count / limit : 2))
        let each = Double(simulation.disk.operationCount) / Double(count)
        #expect(each < Double(perUpload), "\(each) operations for each upload")
      }
      try await engine.stop()
    }
    #expect(simulation.leftovers.isEmpty)
  }
}
