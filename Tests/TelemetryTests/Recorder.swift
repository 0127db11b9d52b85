// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryWorld
import Synchronization

/// A sink that keeps what it is given.
final class Recorder: LogSink {
  private let lines = Mutex<[(text: String, isUrgent: Bool)]>([])

  func write(_ line: [UInt8], isUrgent: Bool) {
    lines.withLock { $0.append((String(decoding: line, as: UTF8.self), isUrgent)) }
  }

  var texts: [String] { lines.withLock { $0.map(\.text) } }
  var urgencies: [Bool] { lines.withLock { $0.map(\.isUrgent) } }
}

/// A clock that stands still.
struct StoppedClock: WallClock {
  var now = WallTime(seconds: 1_795_341_600, nanoseconds: 123_456_789)
}
