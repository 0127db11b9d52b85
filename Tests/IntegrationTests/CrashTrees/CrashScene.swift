// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc

/// A crash tree written out, for the binary itself to start on.
struct CrashScene: Sendable {
  let note: String
  let disk: SimulatedDisk
  let root: String
  /// For each target the digests that a GET of it may show.
  let expected: [(target: String, digests: Set<String>)]

  /// Writes the tree below a directory that is new.
  func write(to directory: String) throws {
    try Files.makeDirectory(directory)
    for (path, bytes) in disk.tree.sorted(by: { $0.key < $1.key }) where path.hasPrefix("\(root)/") {
      let place = directory + path.dropFirst(root.count)
      if let bytes { try Files.write(bytes, to: place) } else { try Files.makeDirectory(place) }
    }
  }
}

extension CrashTreeJudge {
  /// As many scenes, spread over the answers of the trace; every other one has what a kinder disk kept, by chance.
  func scenes(_ count: Int) throws -> [CrashScene] {
    var (scenes, answers, expectation) = ([CrashScene](), 0, try Expectation(logs))
    let stride = max(1, logs.reduce(0) { $0 + $1.deeds.count } / count)
    let replay = try DiskReplay(root: root)
    try replay.run(trace) { moment in
      guard case .answer(let port, let status) = moment else { return }
      let deed = try expectation.take(port: port, status: status)
      answers += 1
      guard answers % stride == 0, scenes.count < count else { return }
      let keeping = scenes.count % 2 == 0 ? CrashKeeping.synced : .seeded(seed &+ UInt64(answers))
      let underWay = expectation.underWay
      let expected = expectation.values.map { target, digest in
        (target.url, (underWay[target] ?? []).union([digest]))
      }
      scenes.append(
        CrashScene(
          note: "at the answer to \(deed), \(keeping)", disk: replay.disk.afterPowerCut(keeping: keeping), root: root,
          expected: expected))
    }
    return scenes
  }
}

/// Programs that take this machine for one that was started again: what was not synced may be gone.
enum OtherBoot {
  static let isPermitted: Bool = {
    guard geteuid() == 0, Command.find("unshare") != nil, let scratch = try? Scratch(),
      let program = try? command(in: scratch),
      let outcome = try? Command.run(program + ["cat", "/proc/sys/kernel/random/boot_id"], in: scratch)
    else { return false }
    return outcome.code == 0 && outcome.output == name
  }()

  private static let name = "the boot after the power cut"

  /// What to put before a program's own arguments.
  static func command(in scratch: Scratch) throws -> [String] {
    let file = "\(scratch.path)/boot"
    try Files.write(name, to: file)
    let script = #"mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@""#
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, file]
  }
}
