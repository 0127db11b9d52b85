// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Glibc
import Synchronization
import Testing

/// An actor that lives on a loop and tells where it runs.
private actor Resident {
  private let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: any LoopExecutor) { self.loop = loop }

  func thread() -> String { currentThreadName() }
}

private func currentThreadName() -> String {
  var name = [CChar](repeating: 0, count: 16)
  prctl_get_name(&name)
  return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func prctl_get_name(_ name: inout [CChar]) {
  let file = open("/proc/thread-self/comm", O_RDONLY)
  defer { close(file) }
  let count = read(file, &name, 15)
  if count > 0, name[count - 1] == CChar(bitPattern: UInt8(ascii: "\n")) { name[count - 1] = 0 }
}

/// Runs `body` on a loop of a fresh group and waits for it, then ends the group.
private func onLoops<R: Sendable>(
  _ count: Int = 2, _ body: @escaping @Sendable (LoopGroup) async -> R
) async -> R {
  let group = LoopGroup(loops: count, workers: 3)
  let result = Mutex<R?>(nil)
  await spawn(on: group.loops[0]) {
    let value = await body(group)
    result.withLock { $0 = value }
  }.value
  group.stop()
  return result.withLock { $0! }
}

@Suite struct LoopGroupTests {
  @Test func tasksAndActorsStayOnTheirLoops() async {
    let names = await onLoops { group in
      var names = [currentThreadName()]
      let near = Resident(on: group.loops[0])
      let far = Resident(on: group.loops[1])
      names.append(await near.thread())
      names.append(await far.thread())
      names.append(currentThreadName())
      names.append(await group.world.workers.run { currentThreadName() })
      names.append(currentThreadName())
      return names
    }
    #expect(names == ["loop-0", "loop-0", "loop-1", "loop-0", "worker", "loop-0"])
  }

  @Test func aGroupOfChildrenRunsOnTheLoop() async {
    let names = await onLoops { _ in
      await withTaskGroup(of: String.self) { group in
        for _ in 0..<100 { group.addTask { currentThreadName() } }
        return await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
    }
    #expect(names == ["loop-0"])
  }

  @Test func aTimerFiresAndACancelledOneDoesNot() async {
    let fired = await onLoops { group in
      let clock = group.loops[0].clock
      let log = Mutex<[String]>([])
      let cancelled = clock.after(.milliseconds(1)) { log.withLock { $0.append("cancelled") } }
      cancelled.cancel()
      cancelled.cancel()
      await withCheckedContinuation { continuation in
        _ = clock.after(.milliseconds(2)) {
          log.withLock { $0.append("first") }
          _ = clock.after(.zero) {
            log.withLock { $0.append("second") }
            continuation.resume()
          }
        }
      }
      return log.withLock { $0 }
    }
    #expect(fired == ["first", "second"])
  }

  @Test func workersRunScriptsSideBySideAndThrowWhatScriptsThrow() async {
    struct Refused: Error {}
    let outcome = await onLoops { group in
      let workers = group.world.workers
      let sum = await withTaskGroup(of: Int.self) { tasks in
        for number in 0..<500 { tasks.addTask { await workers.run { number } } }
        return await tasks.reduce(0, +)
      }
      var refused = false
      do throws(Refused) {
        try await workers.run { () throws(Refused) in throw Refused() }
      } catch {
        refused = true
      }
      return (sum, refused)
    }
    #expect(outcome == (500 * 499 / 2, true))
  }

  @Test func aManyTimesCrossedBoundaryLosesNoJob() async {
    let total = await onLoops { group in
      let actors = (0..<10).map { Resident(on: group.loops[$0 % 2]) }
      return await withTaskGroup(of: Int.self) { tasks in
        for index in 0..<1000 {
          tasks.addTask {
            for actor in actors { _ = await actor.thread() }
            return index
          }
        }
        return await tasks.reduce(0, +)
      }
    }
    #expect(total == 1000 * 999 / 2)
  }
}
