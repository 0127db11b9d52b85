// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// An open file of a simulated disk. Closes with the last reference; dead after a crash of its process or a power cut.
final class SimulatedOpenFile: OpenFile, HeldFile {
  private let disk: SimulatedDisk
  let id: DiskState.OpenID
  private let path: String
  private let process: SimulatedScheduler.ProcessID?

  init(disk: SimulatedDisk, id: DiskState.OpenID, path: String, process: SimulatedScheduler.ProcessID?) {
    self.disk = disk
    self.id = id
    self.path = path
    self.process = process
  }

  deinit {
    disk.close(id)
  }

  func status() throws(FileError) -> FileStatus {
    try perform(.status) { (disk, node) throws(FileError) -> FileStatus in disk.nodes[node]!.status }
  }

  func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8] {
    try perform(.read) { [path] (disk, node) throws(FileError) -> [UInt8] in
      guard !disk.nodes[node]!.isDirectory else {
        throw FileError(.failed, operation: "read", path: path, code: 21)
      }
      let content = disk.nodes[node]!.content
      guard offset < UInt64(content.count), count > 0 else { return [] }
      let start = Int(offset)
      return Array(content[start..<min(content.count, start + min(count, content.count))])
    }
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
    try perform(
      .write,
      halfway: { (disk, node) throws(FileError) in
        _ = disk.write(Array(bytes[..<(bytes.count / 2)]), at: offset, to: node)
      },
      onFault: nil,
      { [self] (disk, node) throws(FileError) in
        try requireWritable(&disk, .write)
        guard disk.write(bytes, at: offset, to: node) else {
          throw FileError(.noSpace, operation: "write", path: path, code: 28)
        }
      })
  }

  func truncate(to size: UInt64) throws(FileError) {
    try perform(.truncate) { [self] (disk, node) throws(FileError) in
      try requireWritable(&disk, .truncate)
      guard disk.truncate(node, to: size) else {
        throw FileError(.noSpace, operation: "ftruncate", path: path, code: 28)
      }
    }
  }

  func sync() throws(FileError) {
    try perform(
      .sync, halfway: nil, onFault: { (disk, node) throws(FileError) in disk.loseChanges(node) },
      { (disk, node) throws(FileError) in disk.sync(node) })
  }

  func tryLock() throws(FileError) -> Bool {
    try perform(.lock) { [self] (disk, node) throws(FileError) -> Bool in
      try requireWritable(&disk, .lock)
      if let holder = disk.nodes[node]!.lock { return holder == id }
      disk.nodes[node]!.lock = id
      return true
    }
  }

  func isLockedElsewhere() throws(FileError) -> Bool {
    try perform(.lock) { [id] (disk, node) throws(FileError) -> Bool in
      disk.nodes[node]!.lock.map { $0 != id } ?? false
    }
  }

  /// Each look is an operation of its own, so that scripts that take turns come to the one that holds the lock.
  func lock() throws(FileError) {
    for _ in 0..<Self.looksMax where try tryLock() { return }
    preconditionFailure("the lock of \(path) is never freed: its holder does not take turns with this script")
  }

  private static let looksMax = 1_000_000

  func unlock() {
    disk.unlock(id)
  }

  private func requireWritable(_ disk: inout DiskState, _ kind: FileOperation.Kind) throws(FileError) {
    guard disk.opens[id]?.isWritable == true else {
      throw FileError(.failed, operation: kind.systemName, path: path, code: 9)
    }
  }

  private func perform<R: Sendable>(
    _ kind: FileOperation.Kind, _ body: (inout DiskState, DiskState.NodeID) throws(FileError) -> R
  ) throws(FileError) -> R {
    try perform(kind, halfway: nil, onFault: nil, body)
  }

  private func perform<R: Sendable>(
    _ kind: FileOperation.Kind,
    halfway: ((inout DiskState, DiskState.NodeID) throws(FileError) -> Void)?,
    onFault: ((inout DiskState, DiskState.NodeID) throws(FileError) -> Void)?,
    _ body: (inout DiskState, DiskState.NodeID) throws(FileError) -> R
  ) throws(FileError) -> R {
    let (id, path) = (id, path)
    func node(in disk: DiskState) throws(FileError) -> DiskState.NodeID {
      guard let open = disk.opens[id] else {
        throw FileError(.failed, operation: kind.systemName, path: path, code: 9)
      }
      return open.node
    }
    return try disk.perform(
      FileOperation(kind, path), process: process,
      halfway: { (disk) throws(FileError) in try halfway?(&disk, try node(in: disk)) },
      onFault: { (disk) throws(FileError) in try onFault?(&disk, try node(in: disk)) },
      { (disk) throws(FileError) -> R in try body(&disk, try node(in: disk)) })
  }
}
