// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryWorld
import Synchronization

/// A sink that keeps what it is given.
final class Lines: LogSink {
  private let lines = Mutex<[String]>([])
  func write(_ line: [UInt8], isUrgent: Bool) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  var all: [String] { lines.withLock { $0 } }
}

/// A clock that stands still.
struct NoClock: WallClock {
  var now: WallTime { WallTime(seconds: 0) }
}
