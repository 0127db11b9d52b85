// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Where finished lines go. Callable from any thread; never blocks on a slow stream.
public protocol LogSink: Sendable {
  /// Takes one line, newline included. A sink that is full drops it and counts it.
  ///
  /// - Parameters:
  ///   - line: The bytes.
  ///   - isUrgent: Whether the line should reach the stream at once, not with the next batch.
  func write(_ line: [UInt8], isUrgent: Bool)
}
