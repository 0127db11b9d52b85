// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import GantryEventLoops
import GantryLoadTesting
import Glibc

/// When the live line is shown.
enum LiveChoice: String, ExpressibleByArgument, CaseIterable {
  /// Where standard error is a terminal.
  case auto
  /// Always.
  case on
  /// Never.
  case off
}

/// Draws the live line over itself on standard error. Callable from any thread.
struct LiveLinePrinter: Sendable {
  private let isShown: Bool

  init(_ choice: LiveChoice) {
    isShown = choice == .on || choice == .auto && isatty(STDERR_FILENO) == 1
  }

  func show(_ line: LiveLine) {
    guard isShown else { return }
    let left = line.secondsLeft.map { "  \(Figures.fixed($0, 0)) s left" } ?? ""
    put(
      "\r\u{1b}[K\(line.title) \(line.round.number)/\(line.round.of)  \(Figures.short(line.rate))/s"
        + "  \(Figures.bytes(line.bytesPerSecond))/s  p50 \(Figures.time(Double(line.p50)))"
        + "  p99 \(Figures.time(Double(line.p99)))  errors \(line.faults)\(left)")
  }

  func clear() {
    if isShown { put("\r\u{1b}[K") }
  }

  /// A terminal that does not take the line now misses one of many.
  private func put(_ text: String) { _ = SystemProcess.offer(Array(text.utf8), to: .errors) }
}
