// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

extension SimulatedDisk {
  /// Opens a file.
  public func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    try open(path, access, as: nil)
  }

  /// What stands at `path`.
  public func status(_ path: String) throws(FileError) -> FileStatus? {
    try status(path, as: nil)
  }

  /// Takes hold of a file.
  public func hold(_ path: String) throws(FileError) -> (any HeldFile)? {
    try hold(path, as: nil)
  }

  /// Makes one directory.
  public func makeDirectory(_ path: String) throws(FileError) -> Bool {
    try makeDirectory(path, as: nil)
  }

  /// Renames, replacing in one step.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try rename(source, to: target, as: nil)
  }

  /// Gives a file a second name.
  public func link(_ path: String, as newPath: String) throws(FileError) -> Bool {
    try link(path, as: newPath, process: nil)
  }

  /// Removes a name of a file.
  public func remove(_ path: String) throws(FileError) -> Bool {
    try remove(path, as: nil)
  }

  /// Removes an empty directory.
  public func removeDirectory(_ path: String) throws(FileError) -> Bool {
    try removeDirectory(path, as: nil)
  }

  /// The names in a directory, in an order that is no order but the same each time.
  public func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? {
    try entries(path, as: nil)
  }

  /// Makes the names in a directory durable.
  public func syncDirectory(_ path: String) throws(FileError) {
    try syncDirectory(path, as: nil)
  }
}

/// The disk as one process sees it.
struct SimulatedDiskView: Files {
  let disk: SimulatedDisk
  let process: SimulatedScheduler.ProcessID
  let machine: Int

  var boot: BootIdentity {
    let boot = disk.boot
    return machine == 0 ? boot : BootIdentity(node: "\(boot.node)-\(machine)", boot: "\(boot.boot)-\(machine)")
  }

  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    try disk.open(path, access, as: process)
  }
  func status(_ path: String) throws(FileError) -> FileStatus? { try disk.status(path, as: process) }
  func hold(_ path: String) throws(FileError) -> (any HeldFile)? { try disk.hold(path, as: process) }
  func makeDirectory(_ path: String) throws(FileError) -> Bool { try disk.makeDirectory(path, as: process) }
  func rename(_ source: String, to target: String) throws(FileError) {
    try disk.rename(source, to: target, as: process)
  }
  func link(_ path: String, as newPath: String) throws(FileError) -> Bool {
    try disk.link(path, as: newPath, process: process)
  }
  func remove(_ path: String) throws(FileError) -> Bool { try disk.remove(path, as: process) }
  func removeDirectory(_ path: String) throws(FileError) -> Bool { try disk.removeDirectory(path, as: process) }
  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? { try disk.entries(path, as: process) }
  func syncDirectory(_ path: String) throws(FileError) { try disk.syncDirectory(path, as: process) }
}

// The operations themselves, each for whichever process asks; error numbers are Linux's.
extension SimulatedDisk {
  typealias Process = SimulatedScheduler.ProcessID?

  func open(_ path: String, _ access: FileAccess, as process: Process) throws(FileError) -> any OpenFile {
    let (kind, makes, isNew): (FileOperation.Kind, Bool, Bool) =
      switch access {
      case .read, .readWrite: (.open, false, false)
      case .create: (.create, true, false)
      case .createNew: (.create, true, true)
      }
    var opened: DiskState.OpenID?
    do throws(FileError) {
      try perform(FileOperation(kind, path), process: process) { (disk) throws(FileError) in
        guard disk.opens.count < disk.openFilesMax else { throw FileError(.tooManyOpenFiles, kind, path, 24) }
        var found = try disk.find(path, kind)
        if found != nil, isNew { throw FileError(.exists, kind, path, 17) }
        if found == nil {
          guard makes else { throw FileError(.absent, kind, path, 2) }
          found = try disk.make(path, kind, isDirectory: false)
        }
        let node = found!
        if access != .read, disk.nodes[node]!.isDirectory { throw FileError(.failed, kind, path, 21) }
        opened = disk.open(node, process: process, path: path, isWritable: access != .read)
      }
    } catch {
      // A file may have been made although its maker is told otherwise, but there is no descriptor then.
      if let opened { close(opened) }
      throw error
    }
    guard let opened else { preconditionFailure("an operation that did not fail was done") }
    return SimulatedOpenFile(disk: self, id: opened, path: path, process: process)
  }

  func status(_ path: String, as process: Process) throws(FileError) -> FileStatus? {
    try perform(FileOperation(.status, path), process: process) { (disk) throws(FileError) -> FileStatus? in
      try disk.find(path, .status).map { disk.nodes[$0]!.status }
    }
  }

  func hold(_ path: String, as process: Process) throws(FileError) -> (any HeldFile)? {
    guard let status = try status(path, as: process), !status.isDirectory else { return nil }
    return try open(path, .read, as: process) as? SimulatedOpenFile
  }

  func makeDirectory(_ path: String, as process: Process) throws(FileError) -> Bool {
    try perform(FileOperation(.makeDirectory, path), process: process) { (disk) throws(FileError) -> Bool in
      if let found = try disk.find(path, .makeDirectory) {
        guard disk.nodes[found]!.isDirectory else { throw FileError(.exists, .makeDirectory, path, 17) }
        return false
      }
      _ = try disk.make(path, .makeDirectory, isDirectory: true)
      return true
    }
  }

  func rename(_ source: String, to target: String, as process: Process) throws(FileError) {
    try perform(FileOperation(.rename, source, to: target), process: process) { (disk) throws(FileError) in
      let (from, oldName) = try disk.parent(of: source, .rename)
      guard let moved = disk.nodes[from]!.entries[oldName] else { throw FileError(.absent, .rename, source, 2) }
      let (to, newName) = try disk.parent(of: target, .rename)
      let isDirectory = disk.nodes[moved]!.isDirectory
      if let old = disk.nodes[to]!.entries[newName] {
        if old == moved { return }
        let replaced = disk.nodes[old]!
        if isDirectory, !replaced.isDirectory { throw FileError(.absent, .rename, target, 20) }
        if !isDirectory, replaced.isDirectory { throw FileError(.failed, .rename, target, 21) }
        if !replaced.entries.isEmpty { throw FileError(.exists, .rename, target, 39) }
      }
      if isDirectory, disk.is(to, within: moved) { throw FileError(.invalidName, .rename, target, 22) }
      let group = disk.group()
      disk.setName(newName, in: to, to: moved, group: group)
      disk.setName(oldName, in: from, to: nil, group: group)
    }
  }

  func link(_ path: String, as newPath: String, process: Process) throws(FileError) -> Bool {
    try perform(FileOperation(.link, path, to: newPath), process: process) { (disk) throws(FileError) -> Bool in
      guard let node = try disk.find(path, .link) else { throw FileError(.absent, .link, path, 2) }
      guard !disk.nodes[node]!.isDirectory else { throw FileError(.notPermitted, .link, path, 1) }
      let (directory, name) = try disk.parent(of: newPath, .link)
      if disk.nodes[directory]!.entries[name] != nil { return false }
      disk.setName(name, in: directory, to: node, group: disk.group())
      return true
    }
  }

  func remove(_ path: String, as process: Process) throws(FileError) -> Bool {
    try perform(FileOperation(.remove, path), process: process) { (disk) throws(FileError) -> Bool in
      guard let node = try disk.find(path, .remove) else { return false }
      guard !disk.nodes[node]!.isDirectory else { throw FileError(.failed, .remove, path, 21) }
      let (directory, name) = try disk.parent(of: path, .remove)
      disk.setName(name, in: directory, to: nil, group: disk.group())
      return true
    }
  }

  func removeDirectory(_ path: String, as process: Process) throws(FileError) -> Bool {
    try perform(FileOperation(.removeDirectory, path), process: process) { (disk) throws(FileError) -> Bool in
      guard let node = try disk.find(path, .removeDirectory), disk.nodes[node]!.isDirectory,
        disk.nodes[node]!.entries.isEmpty
      else { return false }
      let (directory, name) = try disk.parent(of: path, .removeDirectory)
      disk.setName(name, in: directory, to: nil, group: disk.group())
      return true
    }
  }

  func entries(_ path: String, as process: Process) throws(FileError) -> [DirectoryEntry]? {
    try perform(FileOperation(.entries, path), process: process) { (disk) throws(FileError) -> [DirectoryEntry]? in
      guard let node = try disk.find(path, .entries), disk.nodes[node]!.isDirectory else { return nil }
      return disk.nodes[node]!.entries
        .map { DirectoryEntry(name: $0.key, kind: disk.nodes[$0.value]!.isDirectory ? .directory : .file) }
        .sorted { scrambled($0.name) < scrambled($1.name) }
    }
  }

  func syncDirectory(_ path: String, as process: Process) throws(FileError) {
    let find = { (disk: inout DiskState) throws(FileError) -> DiskState.NodeID in
      guard let node = try disk.find(path, .syncDirectory), disk.nodes[node]!.isDirectory else {
        throw FileError(.absent, .syncDirectory, path, 2)
      }
      return node
    }
    try perform(
      FileOperation(.syncDirectory, path), process: process, halfway: nil,
      onFault: { (disk) throws(FileError) in disk.loseChanges(try find(&disk)) },
      { (disk) throws(FileError) in disk.syncNames(try find(&disk)) })
  }
}

/// A key that sorts names in no order that means anything, the same in every process (FNV-1a, then the name).
private func scrambled(_ name: String) -> (UInt64, String) {
  (name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, name)
}

extension FileError {
  fileprivate init(_ reason: Reason, _ kind: FileOperation.Kind, _ path: String, _ code: Int32) {
    self.init(reason, operation: kind.systemName, path: path, code: code)
  }
}

extension DiskState {
  /// Makes a file or directory at `path`, where nothing stands.
  fileprivate mutating func make(
    _ path: String, _ kind: FileOperation.Kind, isDirectory: Bool
  ) throws(FileError) -> NodeID {
    let (directory, name) = try parent(of: path, kind)
    guard nodes.count < nodesMax, used < capacity else { throw FileError(.noSpace, kind, path, 28) }
    let node = makeNode(isDirectory: isDirectory, parent: directory)
    setName(name, in: directory, to: node, group: group())
    return node
  }

  /// Whether `node` is `ancestor` or stands below it.
  fileprivate func `is`(_ node: NodeID, within ancestor: NodeID) -> Bool {
    var at = node
    while at != ancestor {
      if at == Self.root { return false }
      at = nodes[at]!.parent
    }
    return true
  }

  /// Makes one name durable by itself.
  mutating func setDurableName(_ name: String, in directory: NodeID, to node: NodeID) {
    nodes[directory]!.durableEntries[name] = node
    nodes[directory]!.nameChanges.removeAll { $0.name == name }
  }
}

extension DiskState.Node {
  var status: FileStatus {
    FileStatus(
      isDirectory: isDirectory, size: UInt64(content.count), inode: number, linkCount: UInt64(links),
      changed: changed, modified: modified)
  }
}
