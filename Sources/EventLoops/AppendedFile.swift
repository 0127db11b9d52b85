// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
public import GantryWorld
internal import Glibc
internal import Synchronization

/// A file that only grows: a log that other programs rotate, and that several processes may write.
///
/// Each write goes to the file that bears the name at that moment: after a rotation a new one is made. Calls block and
/// are made by one thread at a time.
public final class AppendedFile: Sendable {
  private struct Open {
    var descriptor: Int32
    var identity: (device: UInt64, inode: UInt64)
  }

  /// Its path.
  public let path: String
  private let open = Mutex<Open?>(nil)

  /// The file of this path, which is made when it is missing, readable by owner and group. Throws when it cannot be
  /// written.
  public init(path: String) throws(FileError) {
    self.path = path
    let opened = try Self.openFile(path)
    open.withLock { $0 = opened }
  }

  deinit {
    if let open = open.withLock({ $0.take() }) { _ = Glibc.close(open.descriptor) }
  }

  /// Appends the bytes, in one write where the system lets us, and tells how many were written, or why fewer. A line
  /// may be cut where the disk is full; the rest is what the caller has to write next.
  public func append(_ bytes: [UInt8]) -> (written: Int, failure: FileError?) {
    do throws(FileError) {
      let descriptor = try current()
      var written = 0
      let code: Int32 = unsafe bytes.withUnsafeBytes { buffer in
        while written < buffer.count {
          let put = unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
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
      return (written, code == 0 ? nil : FileError("write", path, code))
    } catch {
      return (0, error)
    }
  }

  /// The descriptor of the file that bears the name now.
  private func current() throws(FileError) -> Int32 {
    var found = stat()
    let isThere = unsafe fstatat(AT_FDCWD, path, &found, 0) == 0
    return try open.withLock { open throws(FileError) -> Int32 in
      if let open, isThere, open.identity == (UInt64(found.st_dev), UInt64(found.st_ino)) { return open.descriptor }
      let fresh = try Self.openFile(path)
      if let old = open { _ = Glibc.close(old.descriptor) }
      open = fresh
      return fresh.descriptor
    }
  }

  private static func openFile(_ path: String) throws(FileError) -> Open {
    let descriptor = unsafe gantry_open(path, O_WRONLY | O_CREAT | O_APPEND, 0o640)
    guard descriptor >= 0 else { throw FileError("open", path, Int32(-descriptor)) }
    var found = stat()
    guard unsafe fstat(Int32(descriptor), &found) == 0 else {
      let code = errno
      _ = Glibc.close(Int32(descriptor))
      throw FileError("fstat", path, code)
    }
    return Open(descriptor: Int32(descriptor), identity: (UInt64(found.st_dev), UInt64(found.st_ino)))
  }
}
