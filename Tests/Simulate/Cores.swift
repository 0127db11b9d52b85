// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// The cores that this process may run on, to give each copy of the crew one of its own.
///
/// A world has many threads of which one runs at a time: handing the turn to a thread on another core costs several
/// times what it costs on the same one.
struct Cores {
  private typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

  private let allowed: cpu_set_t
  private let numbers: [Int]
  private let setAffinity: Affinity?

  init() {
    // The two calls are hidden from Swift behind _GNU_SOURCE. Their signatures are those of sched_setaffinity(2).
    let getAffinity = dlsym(nil, "sched_getaffinity").map { unsafeBitCast($0, to: Affinity.self) }
    setAffinity = dlsym(nil, "sched_setaffinity").map { unsafeBitCast($0, to: Affinity.self) }
    var set = cpu_set_t()
    var numbers: [Int] = []
    if let getAffinity, getAffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 {
      withUnsafeBytes(of: &set) { bytes in
        for number in 0..<(bytes.count * 8) where bytes[number / 8] & 1 << UInt8(number % 8) != 0 {
          numbers.append(number)
        }
      }
    }
    allowed = set
    self.numbers = numbers
  }

  /// Calls `body`, whose children run on one core: the `turn`th, counted round and round.
  func onOne(_ turn: Int, _ body: () -> Void) {
    guard let setAffinity, !numbers.isEmpty else { return body() }
    let number = numbers[turn % numbers.count]
    var one = cpu_set_t()
    withUnsafeMutableBytes(of: &one) { $0[number / 8] = 1 << UInt8(number % 8) }
    var all = allowed
    // Where it is forbidden, things are only slower.
    _ = setAffinity(0, MemoryLayout<cpu_set_t>.size, &one)
    body()
    _ = setAffinity(0, MemoryLayout<cpu_set_t>.size, &all)
  }
}
