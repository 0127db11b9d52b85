// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Synchronization

/// Runs bodies at once, each on a thread of its own: a test blocks where a client would, and the runner's pool has no
/// more threads than the machine has cores.
///
/// An expectation that fails on such a thread belongs to no test, so a body throws, or notes what it saw in ``Notes``,
/// and the test that called judges.
enum Crowd {
  /// Runs `body` for 0 ..< count and returns when all have ended. Throws what the first of them threw.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let failures = Notes()
    var threads: [pthread_t] = []
    for index in 0..<count {
      let work = Work {
        do { try body(index) } catch { failures.add("\(index): \(error)") }
      }
      // Taken back by the thread.
      let context = Unmanaged.passRetained(work)
      var thread = pthread_t()
      let code = pthread_create(&thread, nil, runWork, context.toOpaque())
      guard code == 0 else {
        context.release()
        failures.add("pthread_create: \(String(cString: strerror(code)))")
        break
      }
      threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    if let first = failures.all.first { throw HarnessError(first) }
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
  return nil
}

/// Sentences that several threads write down.
final class Notes: Sendable {
  private let noted = Mutex<[String]>([])

  var all: [String] { noted.withLock { $0 } }

  func add(_ sentence: String) { noted.withLock { $0.append(sentence) } }
}

/// Chance that is the same for the same seed (splitmix64).
struct Dice: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// `$GANTRY_TEST_SEED`, else any.
  static let seed: UInt64 =
    getenv("GANTRY_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? .random(in: 0 ... .max)

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// True once in `count` throws.
  mutating func once(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}

/// Content that costs little to make and is different for each number.
enum Noise {
  private static let block = someBytes(1 << 20, seed: 0xE4D)

  static func bytes(_ count: Int, _ number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
      let stamp = Array("\(number) \(bytes.count) ".utf8)
      bytes += stamp.prefix(count - bytes.count)
      bytes += block.prefix(count - bytes.count)
    }
    return bytes
  }
}

/// A number of the environment, for the longer variants of a test.
func environmentNumber(_ name: String, default usual: Int) -> Int {
  getenv(name).flatMap { Int(String(cString: $0)) } ?? usual
}
