// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Files with a bug.
struct FaultyFiles: Files {
  private let base: any Files
  private let bug: PlantedBug

  init(_ base: any Files, bug: PlantedBug) {
    self.base = base
    self.bug = bug
  }

  var boot: BootIdentity { base.boot }

  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    let file = try base.open(path, access)
    let leftOut: SpoiltFile.LeftOut =
      switch bug {
      case .skipsFileSync: .syncs
      case .skipsJournalSync: path.contains("/gantry/journal/") ? .syncs : []
      case .dropsSegmentsEarly: Self.isInPlace(path) ? .syncs : []
      case .sharesLeases: path.contains("/_uploads/") ? .locks : []
      case .sharesJournal: path.hasSuffix("/append.lock") ? .locks : []
      case .losesMarks: path.hasSuffix("/append.lock") ? .writes : []
      case .retriesFailedSyncs: .failures
      case .takesTheDeadForLiving: path.contains("/gantry/temporary/") ? .deaths : []
      default: []
      }
    return leftOut.isEmpty ? file : SpoiltFile(file, without: leftOut)
  }

  func syncDirectory(_ path: String) throws(FileError) {
    let skipsSync =
      switch bug {
      case .skipsDirectorySync: true
      case .skipsStagingSync: path.contains("/gantry/staging")
      case .dropsSegmentsEarly: Self.isInPlace(path)
      default: false
      }
    if !skipsSync { try base.syncDirectory(path) }
  }

  func remove(_ path: String) throws(FileError) -> Bool {
    if bug == .replaysOldRecords, Self.isHalf(path) { return true }
    if bug == .leavesTheJournal, Self.isSegment(path) { return true }
    return try base.remove(path)
  }

  private static func isSegment(_ path: String) -> Bool {
    path.contains("/gantry/journal/") && !path.hasSuffix(".lock")
  }

  /// Whether it is one of every other segment: what all of them say together is what counts.
  private static func isHalf(_ path: String) -> Bool {
    guard isSegment(path) else { return false }
    return path.split(separator: ".").first?.utf8.last.map { $0 % 2 == 0 } ?? false
  }

  /// Whether it lies where Distribution looks, and is no upload on its way.
  private static func isInPlace(_ path: String) -> Bool {
    path.contains("/docker/registry/v2/") && !path.contains("/_uploads/")
  }

  func status(_ path: String) throws(FileError) -> FileStatus? { try base.status(path) }
  func makeDirectory(_ path: String) throws(FileError) -> Bool { try base.makeDirectory(path) }

  func rename(_ source: String, to target: String) throws(FileError) {
    if bug == .forgetsSuspicion, target.hasSuffix(".suspect") { return }
    if bug == .losesUploadMarks, target.hasSuffix("/gantry-synced") { return }
    try base.rename(source, to: target)
  }

  func link(_ path: String, as newPath: String) throws(FileError) -> Bool { try base.link(path, as: newPath) }
  func removeDirectory(_ path: String) throws(FileError) -> Bool { try base.removeDirectory(path) }
  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? { try base.entries(path) }
}

/// A file that does nothing of one kind.
private final class SpoiltFile: OpenFile {
  struct LeftOut: OptionSet {
    let rawValue: Int

    static let syncs = LeftOut(rawValue: 1)
    static let locks = LeftOut(rawValue: 2)
    static let writes = LeftOut(rawValue: 4)
    /// The failures of syncs, which are tried again.
    static let failures = LeftOut(rawValue: 8)
    /// That a lock is free.
    static let deaths = LeftOut(rawValue: 16)
  }

  private let base: any OpenFile
  private let leftOut: LeftOut

  init(_ base: any OpenFile, without leftOut: LeftOut) {
    self.base = base
    self.leftOut = leftOut
  }

  func sync() throws(FileError) {
    if leftOut.contains(.syncs) { return }
    do throws(FileError) {
      try base.sync()
    } catch {
      guard leftOut.contains(.failures) else { throw error }
      try base.sync()
    }
  }

  func status() throws(FileError) -> FileStatus { try base.status() }
  func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8] { try base.read(count, at: offset) }

  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
    if !leftOut.contains(.writes) { try base.write(bytes, at: offset) }
  }

  func truncate(to size: UInt64) throws(FileError) { try base.truncate(to: size) }
  func tryLock() throws(FileError) -> Bool { leftOut.contains(.locks) ? true : try base.tryLock() }
  func isLockedElsewhere() throws(FileError) -> Bool { leftOut.contains(.deaths) ? true : try base.isLockedElsewhere() }
  func lock() throws(FileError) { if !leftOut.contains(.locks) { try base.lock() } }
  func unlock() { if !leftOut.contains(.locks) { base.unlock() } }
}
