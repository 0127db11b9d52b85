// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc
internal import Synchronization

/// The operating system's files.
struct SystemFiles: Files {
  /// Counts syncs, where somebody wants to know.
  let syncs: SyncTally?

  var boot: BootIdentity { SystemBoot.identity }

  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    let (flags, mode): (Int32, UInt32) =
      switch access {
      case .read: (O_RDONLY, 0)
      case .readWrite: (O_RDWR, 0)
      case .create(let mode): (O_RDWR | O_CREAT, mode)
      case .createNew(let mode): (O_RDWR | O_CREAT | O_EXCL, mode)
      }
    let descriptor = unsafe gantry_open(path, flags, mode)
    guard descriptor >= 0 else { throw FileError("open", path, Int32(-descriptor)) }
    return SystemFile(descriptor: Int32(descriptor), path: path, syncs: syncs)
  }

  func status(_ path: String) throws(FileError) -> FileStatus? {
    var found = stat()
    if unsafe fstatat(AT_FDCWD, path, &found, 0) == 0 { return FileStatus(found) }
    let code = errno
    if code == ENOENT || code == ENOTDIR { return nil }
    throw FileError("stat", path, code)
  }

  func hold(_ path: String) throws(FileError) -> (any HeldFile)? {
    let descriptor = unsafe gantry_hold(path)
    guard descriptor >= 0 else {
      let error = FileError("open", path, Int32(-descriptor))
      if error.reason == .absent || error.reason == .unsupported { return nil }
      throw error
    }
    let file = SystemHeldFile(descriptor: Int32(descriptor), path: path)
    return try file.isRegular() ? file : nil
  }

  func makeDirectory(_ path: String) throws(FileError) -> Bool {
    if unsafe mkdir(path, 0o777) == 0 { return true }
    let code = errno
    if code == EEXIST, let status = try status(path), status.isDirectory { return false }
    throw FileError("mkdir", path, code)
  }

  func rename(_ source: String, to target: String) throws(FileError) {
    if unsafe Glibc.rename(source, target) != 0 { throw FileError("rename", target, errno) }
  }

  func link(_ path: String, as newPath: String) throws(FileError) -> Bool {
    if unsafe Glibc.link(path, newPath) == 0 { return true }
    let code = errno
    if code == EEXIST { return false }
    var error = FileError("link", newPath, code)
    // What Linux says of a file system without second names; a directory that may not be written is EACCES or EROFS.
    if code == EPERM { error.reason = .unsupported }
    throw error
  }

  func remove(_ path: String) throws(FileError) -> Bool {
    if unsafe unlink(path) == 0 { return true }
    let code = errno
    if code == ENOENT || code == ENOTDIR { return false }
    throw FileError("unlink", path, code)
  }

  func removeDirectory(_ path: String) throws(FileError) -> Bool {
    if unsafe rmdir(path) == 0 { return true }
    let code = errno
    if code == ENOENT || code == ENOTDIR || code == ENOTEMPTY || code == EEXIST { return false }
    throw FileError("rmdir", path, code)
  }

  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? {
    guard let directory = unsafe opendir(path) else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { return nil }
      throw FileError("opendir", path, code)
    }
    defer { unsafe closedir(directory) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        let code = errno
        if code != 0 { throw FileError("readdir", path, code) }
        return entries
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe String(cString: UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self))
      }
      if name == "." || name == ".." { continue }
      let kind: DirectoryEntry.Kind =
        switch unsafe Int32(entry.pointee.d_type) {
        case Int32(DT_REG): .file
        case Int32(DT_DIR): .directory
        default: .other
        }
      entries.append(DirectoryEntry(name: name, kind: kind))
    }
  }

  func syncDirectory(_ path: String) throws(FileError) {
    let descriptor = unsafe gantry_open(path, O_RDONLY | O_DIRECTORY, 0)
    guard descriptor >= 0 else { throw FileError("open", path, Int32(-descriptor)) }
    let began = uv_hrtime()
    let result = fsync(Int32(descriptor))
    let code = errno
    syncs?.record(nanoseconds: uv_hrtime() &- began, succeeded: result == 0)
    _ = Glibc.close(Int32(descriptor))
    if result != 0 { throw FileError("fsync", path, code) }
  }
}

/// A descriptor of a file that is not open, closed with the last reference to this object.
private final class SystemHeldFile: HeldFile {
  private let descriptor: Int32
  private let path: String

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    _ = Glibc.close(descriptor)
  }

  func status() throws(FileError) -> FileStatus { FileStatus(try look()) }

  func isRegular() throws(FileError) -> Bool { try look().st_mode & S_IFMT == S_IFREG }

  private func look() throws(FileError) -> stat {
    var found = stat()
    guard unsafe fstat(descriptor, &found) == 0 else { throw FileError("fstat", path, errno) }
    return found
  }
}

/// A descriptor, closed with the last reference to this object.
final class SystemFile: OpenFile {
  let descriptor: Int32
  let residency = Residency()
  private let path: String
  private let syncs: SyncTally?

  init(descriptor: Int32, path: String, syncs: SyncTally? = nil) {
    self.descriptor = descriptor
    self.path = path
    self.syncs = syncs
  }

  deinit {
    // Nothing was left unwritten behind the descriptor that a caller was told is durable, so a failure loses nothing.
    _ = Glibc.close(descriptor)
  }

  func status() throws(FileError) -> FileStatus {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw FileError("fstat", path, errno) }
    return FileStatus(status)
  }

  func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = unsafe pread(
          descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset) + off_t(filled))
        if got > 0 {
          filled += got
        } else if got == 0 {
          return
        } else if errno != EINTR {
          failure = errno
          return
        }
      }
    }
    if failure != 0 { throw FileError("pread", path, failure) }
    return bytes
  }

  func read(
    _ count: Int, at offset: UInt64, into buffer: inout [UInt8], residentOnly: Bool
  ) throws(FileError) -> Int {
    var result = 0
    buffer.append(addingCapacity: count) { span in
      unsafe span.withUnsafeMutableBufferPointer { room, filled in
        let target = unsafe room.baseAddress?.advanced(by: filled)
        repeat {
          result = unsafe gantry_read(descriptor, target, count, Int64(offset), residentOnly ? 1 : 0)
        } while result == -Int(EINTR)
        filled += max(0, result)
      }
    }
    // Not in memory, or the file system cannot tell.
    if residentOnly, result == -Int(EAGAIN) || result == -Int(EOPNOTSUPP) { return 0 }
    if result < 0 { throw FileError("pread", path, Int32(-result)) }
    return result
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
    let failure: Int32 = unsafe bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let put = unsafe pwrite(
          descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written,
          off_t(offset) + off_t(written))
        if put > 0 {
          written += put
        } else if put == 0 {
          return ENOSPC
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if failure != 0 { throw FileError("pwrite", path, failure) }
  }

  func truncate(to size: UInt64) throws(FileError) {
    if ftruncate(descriptor, off_t(size)) != 0 { throw FileError("ftruncate", path, errno) }
  }

  func sync() throws(FileError) {
    let began = uv_hrtime()
    let result = fdatasync(descriptor)
    let code = errno
    syncs?.record(nanoseconds: uv_hrtime() &- began, succeeded: result == 0)
    if result != 0 { throw FileError("fdatasync", path, code) }
  }

  func tryLock() throws(FileError) -> Bool {
    let result = Int32(gantry_lock(descriptor, Int16(F_WRLCK)))
    if result >= 0 { return true }
    if result == -EAGAIN || result == -EACCES { return false }
    throw FileError("lock", path, -result)
  }

  func isLockedElsewhere() throws(FileError) -> Bool {
    let result = Int32(gantry_is_locked(descriptor))
    if result < 0 { throw FileError("lock", path, -result) }
    return result > 0
  }

  func lock() throws(FileError) {
    let result = Int32(gantry_wait_for_lock(descriptor))
    if result < 0 { throw FileError("lock", path, -result) }
  }

  func unlock() {
    // Unlocking a range that is not locked is no error, and an open descriptor can always be unlocked.
    _ = gantry_lock(descriptor, Int16(F_UNLCK))
  }
}

extension FileError {
  /// The house's word for a system error.
  init(_ operation: String, _ path: String, _ code: Int32) {
    let reason: Reason =
      switch code {
      case ENOENT, ENOTDIR: .absent
      case EEXIST, ENOTEMPTY: .exists
      case ENOSPC, EDQUOT: .noSpace
      case EMFILE, ENFILE: .tooManyOpenFiles
      case EACCES, EPERM, EROFS: .notPermitted
      case EOPNOTSUPP, ENOSYS: .unsupported
      case ENAMETOOLONG, EINVAL, ELOOP: .invalidName
      default: .failed
      }
    self.init(reason, operation: operation, path: path, code: code)
  }
}

extension FileStatus {
  fileprivate init(_ status: stat) {
    self.init(
      isDirectory: status.st_mode & S_IFMT == S_IFDIR,
      size: UInt64(status.st_size), inode: UInt64(status.st_ino),
      linkCount: UInt64(status.st_nlink),
      changed: WallTime(seconds: Int64(status.st_ctim.tv_sec), nanoseconds: Int32(status.st_ctim.tv_nsec)),
      modified: WallTime(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int32(status.st_mtim.tv_nsec)))
  }
}

/// How much of a file's head was seen in memory lately. A hint: two threads that note at once may mix what they saw.
final class Residency: Sendable {
  private let last = Atomic<UInt64>(0)
  private let until = Atomic<UInt64>(0)

  /// Whether everything up to the byte at `offset` was there not long before `now`.
  func covers(_ offset: UInt64, at now: UInt64) -> Bool {
    now < until.load(ordering: .relaxed) && offset <= last.load(ordering: .relaxed)
  }

  /// Everything up to the byte at `offset` is there, which is believed until `deadline`.
  func note(_ offset: UInt64, until deadline: UInt64) {
    last.store(offset, ordering: .relaxed)
    until.store(deadline, ordering: .relaxed)
  }
}
