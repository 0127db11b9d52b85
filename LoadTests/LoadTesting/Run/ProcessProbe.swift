// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// What the kernel says of a process of this machine and its children (proc(5)).
struct ProcessProbe: Sendable {
  let pid: Int

  /// What was read at one time.
  struct Sample: Sendable {
    /// Processor time so far, user and system, in seconds.
    var seconds: Double
    /// Resident memory, in bytes.
    var residentBytes: Int
  }

  /// Reads the process and its descendants; nil where there is no such process.
  func sample() -> Sample? {
    guard let whole = read("stat", of: pid) else { return nil }
    var sample = Sample(seconds: 0, residentBytes: 0)
    var waiting = [(pid, whole)]
    var seen: Set<Int> = [pid]
    while let (pid, stat) = waiting.popLast() {
      // The name in the second field may hold blanks and brackets; what follows the last bracket does not.
      let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
      if fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) {
        // In ticks of 1/100 s, which Linux promises to programs whatever it counts by itself.
        sample.seconds += (user + system) / 100
      }
      sample.residentBytes += residentBytes(pid)
      for child in (read("task/\(pid)/children", of: pid) ?? "").split(separator: " ").compactMap({ Int($0) })
      where seen.insert(child).inserted {
        if let stat = read("stat", of: child) { waiting.append((child, stat)) }
      }
    }
    return sample
  }

  private func residentBytes(_ pid: Int) -> Int {
    for line in (read("status", of: pid) ?? "").split(separator: "\n") where line.hasPrefix("VmRSS:") {
      return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }
    return 0
  }

  private func read(_ name: String, of pid: Int) -> String? {
    do throws(FileError) {
      let bytes = try LoopGroup.files.open("/proc/\(pid)/\(name)", .read).read(1 << 16, at: 0)
      return String(decoding: bytes, as: UTF8.self)
    } catch {
      return nil
    }
  }
}
