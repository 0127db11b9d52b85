// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What the house asks of a file system.
///
/// Isolation: every call blocks and belongs in a script of ``Workers``, except those marked *on-loop*, which touch
/// only what the kernel holds in memory. Paths are absolute or relative to the process's working directory, UTF-8.
/// Durability: nothing is durable before ``OpenFile/sync()`` for contents and ``syncDirectory(_:)`` for names; a new
/// directory needs its parent synced (strict POSIX, not one file system's habits).
public protocol Files: Sendable {
  /// The span of time in which no power cut took what was written and not synced; see ``BootIdentity``. *On-loop*.
  var boot: BootIdentity { get }

  /// Opens a file.
  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile

  /// What stands at `path`, or nil when nothing does. Follows symbolic links. *On-loop*: about a microsecond when
  /// the kernel knows the name.
  func status(_ path: String) throws(FileError) -> FileStatus?

  /// Takes hold of the regular file at `path`, to look at it again and again for a fraction of what ``status(_:)``
  /// costs. Nil when there is none, when a symbolic link stands there, and where files cannot be held: where another
  /// file could take the name, or the name go, without the held file showing it at once. *On-loop*.
  func hold(_ path: String) throws(FileError) -> (any HeldFile)?

  /// Makes one directory with mode 0777 less the umask. False when a directory is there already.
  func makeDirectory(_ path: String) throws(FileError) -> Bool

  /// Renames within one file system, replacing a file at `target` in one step.
  func rename(_ source: String, to target: String) throws(FileError)

  /// Gives the file at `path` a second name. False when `newPath` exists already. Fails as
  /// ``FileError/Reason/unsupported`` on a file system without second names.
  func link(_ path: String, as newPath: String) throws(FileError) -> Bool

  /// Removes a name of a file. False when there was none.
  func remove(_ path: String) throws(FileError) -> Bool

  /// Removes an empty directory. False when it is absent or not empty.
  func removeDirectory(_ path: String) throws(FileError) -> Bool

  /// The names in a directory without `.` and `..`, in no order; nil when there is no such directory.
  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]?

  /// Makes the names in a directory durable (fsync of the directory).
  func syncDirectory(_ path: String) throws(FileError)
}

/// The life of a machine from one start of its kernel to the next.
///
/// What was written under an equal identity and not synced is still there, in the kernel's memory at least. Under
/// another boot of the same node a power cut may lie between; of another node nothing is known.
public struct BootIdentity: Sendable, Hashable {
  /// Names the machine among those that share a directory: its host name.
  public var node: String
  /// Differs between any two starts of a kernel, wherever.
  public var boot: String

  /// Makes an identity.
  public init(node: String, boot: String) {
    self.node = node
    self.boot = boot
  }
}

/// How a file is opened.
public enum FileAccess: Sendable, Hashable {
  /// To read; it must exist.
  case read
  /// To read and write; it must exist.
  case readWrite
  /// To read and write; it is made when absent, with these permission bits less the umask.
  case create(mode: UInt32)
  /// To read and write; it must not exist, and is made with these permission bits less the umask.
  case createNew(mode: UInt32)
}

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
  /// What kinds are told apart.
  public enum Kind: Sendable, Hashable {
    /// A regular file.
    case file
    /// A directory.
    case directory
    /// A link, a socket, or what the file system does not tell.
    case other
  }

  /// The name, without its directory.
  public var name: String
  /// What the directory says it is.
  public var kind: Kind

  /// Makes an entry.
  public init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

/// What the file system tells of a file.
@frozen
public struct FileStatus: Sendable, Hashable {
  /// Whether it is a directory.
  public var isDirectory: Bool
  /// Size in bytes.
  public var size: UInt64
  /// The file's number within its file system.
  public var inode: UInt64
  /// How many names it has.
  public var linkCount: UInt64
  /// When its contents or attributes changed last.
  public var changed: WallTime
  /// When its contents changed last.
  public var modified: WallTime

  /// Makes a status.
  @inlinable
  public init(
    isDirectory: Bool, size: UInt64, inode: UInt64, linkCount: UInt64, changed: WallTime, modified: WallTime
  ) {
    self.isDirectory = isDirectory
    self.size = size
    self.inode = inode
    self.linkCount = linkCount
    self.changed = changed
    self.modified = modified
  }
}

extension Files {
  /// None can be held: ``status(_:)`` tells the same.
  public func hold(_ path: String) throws(FileError) -> (any HeldFile)? { nil }
}

/// A file that is held, wherever its name goes: neither opened nor kept from being removed. Its descriptor closes with
/// the last reference.
public protocol HeldFile: AnyObject, Sendable {
  /// Size, times and names now; a file whose last name was removed or given to another has a link count of 0.
  /// *On-loop*.
  func status() throws(FileError) -> FileStatus
}

/// An open file. The descriptor closes with the last reference, so a response under way keeps its bytes even when
/// the name is removed. Safe to use from several threads; positions are always given.
public protocol OpenFile: AnyObject, Sendable {
  /// Size and times now. *On-loop*.
  func status() throws(FileError) -> FileStatus

  /// Reads at most `count` bytes at `offset`; fewer only at the end of the file. Blocks.
  func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8]

  /// Appends at most `count` bytes at `offset` to `buffer`; how many. Fewer at the end of the file, and with
  /// `residentOnly` where the next are not in memory, or that cannot be told. Blocks, but not with `residentOnly`.
  func read(_ count: Int, at offset: UInt64, into buffer: inout [UInt8], residentOnly: Bool) throws(FileError) -> Int

  /// Writes all of `bytes` at `offset`, or throws; after a throw any part of it may have been written. Blocks.
  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError)

  /// Cuts or extends the file to `size`. Blocks.
  func truncate(to size: UInt64) throws(FileError)

  /// Makes contents and size durable (fdatasync). Blocks.
  func sync() throws(FileError)

  /// Takes the advisory lock of this open file on the whole file, without waiting; true when it is held now. Freed by
  /// ``unlock()``, by the last reference, and by a crash of the process.
  func tryLock() throws(FileError) -> Bool

  /// Whether another open file holds the advisory lock, of this process or another one. Takes nothing, so that others
  /// who ask, or take it, are told the truth.
  func isLockedElsewhere() throws(FileError) -> Bool

  /// Takes the advisory lock of this open file on the whole file, and blocks for as long as another open file holds it.
  /// To be held within one script, for some milliseconds.
  func lock() throws(FileError)

  /// Frees the advisory lock. Idempotent.
  func unlock()
}

extension OpenFile {
  /// All of it, as of a file that is always in memory.
  public func read(
    _ count: Int, at offset: UInt64, into buffer: inout [UInt8], residentOnly: Bool
  ) throws(FileError) -> Int {
    let bytes = try read(count, at: offset)
    buffer.append(contentsOf: bytes)
    return bytes.count
  }
}

/// A file operation that failed.
public struct FileError: Error, Sendable, Hashable {
  /// What went wrong, told apart as far as callers act on it.
  public enum Reason: Sendable, Hashable {
    /// No such file or directory.
    case absent
    /// The name exists already.
    case exists
    /// The disk or the quota is full.
    case noSpace
    /// The process or the system has no descriptors left.
    case tooManyOpenFiles
    /// Permission denied, or a read-only file system.
    case notPermitted
    /// The file system does not offer the operation, as some have no second names.
    case unsupported
    /// A name or path is too long or not a valid name.
    case invalidName
    /// The device failed, or anything else.
    case failed
  }

  /// The kind of failure.
  public var reason: Reason
  /// The operation, as the system calls it: `open`, `fsync`, …
  public var operation: String
  /// The path it was about; for the log, never for a client.
  public var path: String
  /// The system's error number; 0 when it did not come from the system.
  public var code: Int32

  /// Makes an error.
  public init(_ reason: Reason, operation: String, path: String, code: Int32 = 0) {
    self.reason = reason
    self.operation = operation
    self.path = path
    self.code = code
  }
}
