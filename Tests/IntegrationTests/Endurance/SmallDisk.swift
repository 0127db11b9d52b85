// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// A file system of 50 MiB of the test's own; unmounted when the last reference goes. Only root has one.
final class SmallDisk {
  enum Kind: String, CaseIterable, Sendable { case tmpfs, ext4 }

  static let bytes = 50 << 20
  let path: String
  private let scratch: Scratch

  /// Whether file systems can be mounted here.
  static let isPermitted: Bool = geteuid() == 0 && (try? SmallDisk(.tmpfs)) != nil
  /// Whether an image can be mounted as a disk, too.
  static let hasLoop: Bool = isPermitted && Command.find("mkfs.ext4") != nil && (try? SmallDisk(.ext4)) != nil

  init(_ kind: Kind) throws {
    scratch = try Scratch()
    path = "\(scratch.path)/disk"
    try Files.makeDirectory(path)
    switch kind {
    case .tmpfs:
      try SmallDisk.run(["mount", "-t", "tmpfs", "-o", "size=\(SmallDisk.bytes)", "tmpfs", path], scratch)
    case .ext4:
      let image = "\(scratch.path)/image"
      try SmallDisk.run(["truncate", "-s", "\(SmallDisk.bytes)", image], scratch)
      try SmallDisk.run(["mkfs.ext4", "-q", "-m", "0", image], scratch)
      try SmallDisk.run(["mount", "-o", "loop", image, path], scratch)
    }
  }

  deinit {
    // Lazily, so that nothing that still holds a file keeps it mounted for ever. A failure leaves it to the operator.
    _ = try? Command.run(["umount", "-l", path], in: scratch)
  }

  /// Runs a program that has to succeed.
  static func run(_ arguments: [String], _ scratch: Scratch) throws {
    let outcome = try Command.run(arguments, in: scratch, seconds: 20)
    guard outcome.code == 0 else { throw HarnessError("\(arguments.joined(separator: " ")): \(outcome)") }
  }

  func run(_ arguments: [String]) throws { try SmallDisk.run(arguments, scratch) }

  var freeBytes: Int {
    var status = statvfs()
    statvfs(path, &status)
    return Int(status.f_bavail) * Int(status.f_frsize)
  }
}
