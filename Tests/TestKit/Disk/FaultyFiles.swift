// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// Files of which some operations fail, as a plan says: the system's own, or any others.
///
/// Nothing that was written is lost when a sync fails; for that there is ``SimulatedDisk``. Safe from any thread.
public final class FaultyFiles: Files {
  private struct Guarded {
    var plan = FaultPlan()
    var failures = 0
  }

  private let files: any Files
  private let state = Mutex(Guarded())

  /// These files, of which nothing fails at first.
  public init(_ files: any Files) {
    self.files = files
  }

  /// Replaces the plan, and starts counting operations and failures anew.
  public func install(_ plan: FaultPlan) {
    state.withLock { $0 = Guarded(plan: plan) }
  }

  /// How many operations failed since the plan was installed.
  public var failureCount: Int { state.withLock { $0.failures } }

  /// Does an operation, unless the plan says otherwise.
  fileprivate func perform<R>(
    _ operation: FileOperation, halfway: () throws(FileError) -> Void = {}, _ body: () throws(FileError) -> R
  ) throws(FileError) -> R {
    let verdict = state.withLock { state in
      let verdict = state.plan.verdict(on: operation)
      if verdict != nil { state.failures += 1 }
      return verdict
    }
    guard let (reason, moment) = verdict else { return try body() }
    switch moment {
    case .before: break
    case .halfway: try halfway()
    case .after: _ = try body()
    }
    throw FileError(reason, operation: operation.kind.systemName, path: operation.path)
  }

  // MARK: Files

  /// As the files beneath.
  public var boot: BootIdentity { files.boot }

  /// As the files beneath.
  public func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    let kind: FileOperation.Kind
    switch access {
    case .read, .readWrite: kind = .open
    case .create, .createNew: kind = .create
    }
    let file = try perform(FileOperation(kind, path)) { () throws(FileError) in try files.open(path, access) }
    return FaultyFile(file, of: self, path: path)
  }

  /// As the files beneath.
  public func status(_ path: String) throws(FileError) -> FileStatus? {
    try perform(FileOperation(.status, path)) { () throws(FileError) in try files.status(path) }
  }

  /// As the files beneath.
  public func makeDirectory(_ path: String) throws(FileError) -> Bool {
    try perform(FileOperation(.makeDirectory, path)) { () throws(FileError) in try files.makeDirectory(path) }
  }

  /// As the files beneath.
  public func rename(_ source: String, to target: String) throws(FileError) {
    try perform(FileOperation(.rename, source, to: target)) { () throws(FileError) in
      try files.rename(source, to: target)
    }
  }

  /// As the files beneath.
  public func link(_ path: String, as newPath: String) throws(FileError) -> Bool {
    try perform(FileOperation(.link, path, to: newPath)) { () throws(FileError) in
      try files.link(path, as: newPath)
    }
  }

  /// As the files beneath.
  public func remove(_ path: String) throws(FileError) -> Bool {
    try perform(FileOperation(.remove, path)) { () throws(FileError) in try files.remove(path) }
  }

  /// As the files beneath.
  public func removeDirectory(_ path: String) throws(FileError) -> Bool {
    try perform(FileOperation(.removeDirectory, path)) { () throws(FileError) in try files.removeDirectory(path) }
  }

  /// As the files beneath.
  public func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? {
    try perform(FileOperation(.entries, path)) { () throws(FileError) in try files.entries(path) }
  }

  /// As the files beneath.
  public func syncDirectory(_ path: String) throws(FileError) {
    try perform(FileOperation(.syncDirectory, path)) { () throws(FileError) in try files.syncDirectory(path) }
  }
}

/// An open file whose operations fail as the plan of its ``FaultyFiles`` says.
private final class FaultyFile: OpenFile {
  private let file: any OpenFile
  private let files: FaultyFiles
  private let path: String

  init(_ file: any OpenFile, of files: FaultyFiles, path: String) {
    (self.file, self.files, self.path) = (file, files, path)
  }

  func status() throws(FileError) -> FileStatus {
    try files.perform(FileOperation(.status, path)) { () throws(FileError) in try file.status() }
  }

  func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8] {
    try files.perform(FileOperation(.read, path)) { () throws(FileError) in try file.read(count, at: offset) }
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
    try files.perform(
      FileOperation(.write, path),
      halfway: { () throws(FileError) in try file.write(Array(bytes[..<(bytes.count / 2)]), at: offset) },
      { () throws(FileError) in try file.write(bytes, at: offset) })
  }

  func truncate(to size: UInt64) throws(FileError) {
    try files.perform(FileOperation(.truncate, path)) { () throws(FileError) in try file.truncate(to: size) }
  }

  func sync() throws(FileError) {
    try files.perform(FileOperation(.sync, path)) { () throws(FileError) in try file.sync() }
  }

  func tryLock() throws(FileError) -> Bool {
    try files.perform(FileOperation(.lock, path)) { () throws(FileError) in try file.tryLock() }
  }

  func isLockedElsewhere() throws(FileError) -> Bool {
    try files.perform(FileOperation(.lock, path)) { () throws(FileError) in try file.isLockedElsewhere() }
  }

  func lock() throws(FileError) {
    try files.perform(FileOperation(.lock, path)) { () throws(FileError) in try file.lock() }
  }

  func unlock() {
    file.unlock()
  }
}
