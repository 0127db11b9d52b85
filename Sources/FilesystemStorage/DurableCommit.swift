// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld
import Synchronization

/// Puts files in their places, whole, durable or not.
///
/// Most of the tree is written without a sync: the journal holds it already, and a checkpoint syncs it behind. What
/// stands outside the journal is synced here, contents before names, names before anything refers to them, every
/// directory that was made by its parent (strict POSIX, not one file system's habits).
///
/// A sync that failed is never simply tried again: the kernel tells of lost writes once, and the next sync succeeds
/// over them. Whatever was to be synced is written anew.
///
/// Isolation: every call blocks and belongs in a script of a worker; safe from several at once.
final class DurableCommit: Sendable {
  /// A file whose contents are durable and which has no place yet.
  struct Staged: Sendable {
    fileprivate var path: String
  }

  private let files: any Files
  private let layout: Layout
  private let process: String
  private let announcement: Announcement
  private let lastNumber = Atomic<UInt64>(0)
  private let lasting = Mutex<Set<String>>([])
  private let suspects = Mutex<Set<String>>([])

  /// Bounds the memory of directories known to be durable; beyond it the knowledge is dropped and gained anew, at the
  /// price of one sync for each directory.
  private static let lastingMax = 4096

  /// Permission bits of files, less the umask, as Distribution has them.
  static let fileMode: UInt32 = 0o666

  /// - Parameter process: names the temporary files; unique among the processes on this storage.
  init(files: any Files, layout: Layout, process: String) {
    self.files = files
    self.layout = layout
    self.process = process
    announcement = Announcement(files: files, path: layout.processLock(process))
  }

  // MARK: This process

  /// Whether other processes know that this one lives.
  var isAnnounced: Bool { announcement.isMade }

  /// Makes sure that other processes know that this one lives. Comes before any file that carries its name; a storage
  /// that was started on a full or read-only disk gets here with its first write.
  func announce() throws(FileError) {
    if announcement.isMade { return }
    try makeFrame()
    try announcement.make()
  }

  /// Tells other processes that nothing is left of this one.
  func retire() throws(FileError) { try announcement.takeBack() }

  /// Makes the directories that are there as long as the storage is.
  func makeFrame() throws(FileError) {
    for directory in [layout.blobs, layout.repositories, layout.temporary, layout.journal] {
      try makeLasting(directory)
    }
  }

  // MARK: With a sync

  /// Writes a file of these bytes, durable in contents, nameless to everybody.
  func stage(_ bytes: [UInt8], mode: UInt32 = fileMode) throws(FileError) -> Staged {
    let path = try temporaryPath()
    do throws(FileError) {
      let file = try files.open(path, .createNew(mode: mode))
      try file.write(bytes, at: 0)
      try sync(file)
    } catch {
      discard(Staged(path: path))
      throw error
    }
    return Staged(path: path)
  }

  /// Gives a staged file its place, replacing what is there, and makes the name durable. The directory must be there
  /// (``makeDirectories(of:)``).
  func publish(_ staged: Staged, at place: Layout.Place) throws(FileError) {
    try files.rename(staged.path, to: place.file)
    try sync(place.directory)
  }

  /// Gives a staged file its place unless something is there already, which it then returns as false. On a file system
  /// without second names (FAT, some network shares) two processes that do so in the same instant may both succeed.
  func publishNew(_ staged: Staged, at place: Layout.Place) throws(FileError) -> Bool {
    var isNew: Bool
    do throws(FileError) {
      isNew = try files.link(staged.path, as: place.file)
    } catch  where error.reason == .unsupported {
      isNew = try files.status(place.file) == nil
      if isNew { try files.rename(staged.path, to: place.file) }
    }
    try sync(place.directory)
    return isNew
  }

  /// Removes a file that is not needed any more. What cannot be removed is removed by the next start.
  func discard(_ staged: Staged) {
    // Nothing hangs on it: the name is ours alone.
    _ = try? files.remove(staged.path)
  }

  /// Makes a file's contents durable.
  func sync(_ file: any OpenFile) throws(FileError) { try file.sync() }

  /// Makes a directory's names durable.
  func sync(_ directory: String) throws(FileError) { try files.syncDirectory(directory) }

  // MARK: Without a sync

  /// Writes a file of these bytes at its place in one step; with `synced`, contents are durable before they get the
  /// name, which itself is not.
  func write(_ bytes: [UInt8], to place: Layout.Place, synced: Bool) throws(FileError) {
    let staged = Staged(path: try temporaryPath())
    do throws(FileError) {
      let file = try files.open(staged.path, .createNew(mode: Self.fileMode))
      try file.write(bytes, at: 0)
      if synced { try file.sync() }
      try self.place(staged, at: place)
    } catch {
      discard(staged)
      throw error
    }
  }

  /// Gives a staged file its place, replacing what is there.
  func place(_ staged: Staged, at place: Layout.Place) throws(FileError) {
    try makingVolatile(place) { () throws(FileError) in try files.rename(staged.path, to: place.file) }
  }

  /// Gives a file whose contents are durable a second name at a place, replacing what is there; or a durable copy, on a
  /// file system without second names.
  func link(_ path: String, to place: Layout.Place) throws(FileError) {
    var isNew = false
    do throws(FileError) {
      try makingVolatile(place) { () throws(FileError) in isNew = try files.link(path, as: place.file) }
    } catch  where error.reason == .unsupported {
      let file = try files.open(path, .read)
      let copy = try stageCopy(of: file, count: try file.status().size)
      defer { discard(copy) }
      return try self.place(copy, at: place)
    }
    if isNew { return }
    let second = Staged(path: try temporaryPath())
    do throws(FileError) {
      _ = try files.link(path, as: second.path)
      try files.rename(second.path, to: place.file)
    } catch {
      discard(second)
      throw error
    }
    // A rename between two names of one file leaves both.
    discard(second)
  }

  // Makes the directory when it is not there, and tries once more when it was taken away in between.
  private func makingVolatile(_ place: Layout.Place, _ body: () throws(FileError) -> Void) throws(FileError) {
    for attempt in 1... {
      do throws(FileError) {
        return try body()
      } catch  where error.reason == .absent && attempt < 3 {
        if isLasting(place.lasting), try files.status(place.lasting) == nil {
          // An operator has removed what nothing removes.
          lasting.withLock { $0.removeAll() }
          try makeLasting(place.lasting)
        }
        _ = try makeVolatile(place.directory)
      }
    }
  }

  // MARK: Directories known to be durable

  /// Whether a directory that nothing removes is known to be durable with all above it.
  func isLasting(_ directory: String) -> Bool { lasting.withLock { $0.contains(directory) } }

  private func noteLasting(_ directory: String) {
    lasting.withLock { lasting in
      if lasting.count >= Self.lastingMax { lasting.removeAll() }
      lasting.insert(directory)
    }
  }

  // MARK: Contents that a failed sync may have lost

  /// Whether a sync of the file failed, and nothing has taken its place since: a further sync would say that all is
  /// well. When there are too many to remember, all are.
  func isSuspect(_ path: String) -> Bool {
    suspects.withLock { $0.count >= Self.suspectsMax || $0.contains(path) }
  }

  /// A sync of the file failed.
  func suspect(_ path: String) {
    suspects.withLock { if $0.count < Self.suspectsMax { $0.insert(path) } }
  }

  /// Something durable has taken its place.
  func trust(_ path: String) {
    suspects.withLock { if $0.count < Self.suspectsMax { $0.remove(path) } }
  }

  private static let suspectsMax = 4096

  // MARK: Copies

  /// A durable copy of the first `count` bytes of a file, which have to have the digest if one is given.
  func stageCopy(of source: any OpenFile, count: UInt64, as digest: Digest? = nil) throws(FileError) -> Staged {
    let path = try temporaryPath()
    var running = digest.map { RunningDigest($0.algorithm.function) }
    do throws(FileError) {
      let file = try files.open(path, .createNew(mode: Self.fileMode))
      var offset: UInt64 = 0
      while offset < count {
        let piece = try source.read(Int(min(count - offset, 1 << 20)), at: offset)
        guard !piece.isEmpty else { throw FileError(.failed, operation: "read", path: "content, shorter than it was") }
        try file.write(piece, at: offset)
        running?.update(piece)
        offset += UInt64(piece.count)
      }
      if let digest, running?.finished() != digest.bytes {
        throw FileError(.failed, operation: "read", path: "content, which has another digest")
      }
      try sync(file)
    } catch {
      discard(Staged(path: path))
      throw error
    }
    return Staged(path: path)
  }

  /// Makes the directories of `places`, runs `body`, and does both once more when a directory was taken away in between
  /// (another process removing the same tag, say).
  func makingDirectories(of places: [Layout.Place], body: () throws(FileError) -> Void) throws(FileError) {
    for attempt in 1... {
      do throws(FileError) {
        try makeDirectories(of: places)
        return try body()
      } catch  where error.reason == .absent && attempt < 3 {
        lasting.withLock { $0.removeAll() }
      }
    }
  }

  /// Makes the directories of `places` with every parent synced. Directories that are there already are synced too,
  /// unless this process knows that they are durable: another process may have made them a moment ago.
  func makeDirectories(of places: [Layout.Place]) throws(FileError) {
    var (parents, made): ([String], [String]) = ([], [])
    do throws(FileError) {
      for place in places {
        try makeLasting(place.lasting)
        for directory in Layout.chain(from: place.lasting, to: place.directory) {
          if try files.makeDirectory(directory) { made.append(directory) }
          let parent = Layout.parent(of: directory)
          if !parents.contains(parent) { parents.append(parent) }
        }
      }
      for parent in parents { try sync(parent) }
    } catch {
      unmake(made)
      throw error
    }
  }

  /// Makes a directory that nothing removes, and all above it up to the root, durable.
  func makeLasting(_ directory: String) throws(FileError) {
    if lasting.withLock({ $0.contains(directory) }) { return }
    let parent = Layout.parent(of: directory)
    if directory != layout.root {
      try makeLasting(parent)
      let isNew: Bool
      do throws(FileError) {
        isNew = try files.makeDirectory(directory)
      } catch  where error.reason == .absent {
        // What was known to be durable is gone: an operator has removed it, or another push has, whose sync failed.
        lasting.withLock { $0.removeAll() }
        try makeLasting(parent)
        isNew = try files.makeDirectory(directory)
      }
      do throws(FileError) {
        try sync(parent)
      } catch {
        unmake(isNew ? [directory] : [])
        throw error
      }
    } else if try files.status(directory)?.isDirectory != true {
      try makeRoot(directory)
    } else {
      try syncRootName()
    }
    noteLasting(directory)
  }

  /// Makes a directory and those missing above it, durable in nothing: for what a power cut may take.
  func makeVolatile(_ directory: String) throws(FileError) -> Bool {
    do throws(FileError) {
      return try files.makeDirectory(directory)
    } catch  where error.reason == .absent && directory != layout.root {
      _ = try makeVolatile(Layout.parent(of: directory))
      return try files.makeDirectory(directory)
    }
  }

  /// Removes a directory with everything in it, `last` (a name directly in it) after all else. False when it was not
  /// there. Not durable by itself. What another process puts in meanwhile stays.
  func removeTree(_ directory: String, last: String? = nil, depthMax: Int = 8) throws(FileError) -> Bool {
    guard let entries = try files.entries(directory) else { return false }
    for entry in entries where entry.name != last {
      let path = Layout.entry(entry.name, of: directory)
      if entry.kind == .directory, depthMax > 0 {
        _ = try removeTree(path, depthMax: depthMax - 1)
      } else {
        _ = try files.remove(path)
      }
    }
    if let last { _ = try files.remove(Layout.entry(last, of: directory)) }
    _ = try files.removeDirectory(directory)
    return true
  }

  // Whoever made the root may have failed to make its name durable. Where the directory above is not ours to open, its
  // name is in other hands.
  private func syncRootName() throws(FileError) {
    do throws(FileError) {
      try sync(Layout.parent(of: layout.root))
    } catch  where error.reason == .notPermitted {
      return
    }
  }

  private func makeRoot(_ directory: String) throws(FileError) {
    let parent = Layout.parent(of: directory)
    if parent != directory, try files.status(parent)?.isDirectory != true { try makeRoot(parent) }
    _ = try files.makeDirectory(directory)
    try sync(parent)
  }

  // Takes directories back whose names may never become durable, so that the next attempt makes them anew.
  private func unmake(_ directories: [String]) {
    for directory in directories.reversed() {
      // One that somebody uses already stays; that cannot be helped.
      _ = try? files.removeDirectory(directory)
    }
  }

  private func temporaryPath() throws(FileError) -> String {
    try announce()
    return layout.temporary(process, lastNumber.add(1, ordering: .relaxed).newValue)
  }
}
