// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// strace on a running process: which calls that have to do with durability it makes.
final class SyncTrace {
  static let calls = ["fsync", "fdatasync", "sync_file_range", "syncfs", "sync"]

  /// Whether strace is here and may attach to a process that it did not start.
  static let isPermitted: Bool = {
    guard Command.find("strace") != nil, let scratch = try? Scratch(),
      let idle = try? ChildProcess(
        ["tail", "-f", "/dev/null"], environment: Command.basicEnvironment, output: "\(scratch.path)/idle"),
      let trace = try? SyncTrace(of: idle.pid, in: scratch, seconds: 5)
    else { return false }
    return trace.stop() == 0
  }()

  private let child: ChildProcess
  private let output: String

  /// Attaches to all threads of the process.
  init(of pid: pid_t, in scratch: Scratch, seconds: Int = 20) throws {
    output = "\(scratch.path)/strace-\(pid)"
    let said = "\(output).log"
    let traced = SyncTrace.calls + ["rename", "renameat", "renameat2", "link", "linkat", "unlink", "mkdir"]
    child = try ChildProcess(
      ["strace", "-f", "-o", output, "-e", "trace=" + traced.joined(separator: ","), "-p", "\(pid)"],
      environment: Command.basicEnvironment, output: said)
    for _ in 0..<(seconds * 200) {
      if Files.text(said).contains(" attached") { return }
      if child.hasEnded(within: 5) { break }
    }
    throw HarnessError("strace does not attach: \(Files.text(said))")
  }

  /// How many syncs were begun so far.
  var syncs: Int {
    Files.text(output).split(separator: "\n").count { line in
      // "<pid> fsync(7) = 0"; a call that was interrupted in the trace stands there twice, the second time without "(".
      let call = line.drop { $0 != " " }.drop { $0 == " " }
      return SyncTrace.calls.contains { call.hasPrefix("\($0)(") }
    }
  }

  /// Detaches, and returns how many syncs there were.
  func stop() -> Int {
    child.signal(SIGINT)
    _ = child.hasEnded(within: 10_000)
    return syncs
  }
}
