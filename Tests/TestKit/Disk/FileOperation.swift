// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One call to a simulated disk.
public struct FileOperation: Sendable, Hashable, CustomStringConvertible {
  /// Which call it is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// `open` of what exists.
    case open
    /// `open` of what may be made.
    case create
    /// `stat` of a path or an open file.
    case status
    /// `mkdir`.
    case makeDirectory
    /// `rename`.
    case rename
    /// `link`.
    case link
    /// `unlink`.
    case remove
    /// `rmdir`.
    case removeDirectory
    /// `readdir`.
    case entries
    /// `fsync` of a directory.
    case syncDirectory
    /// `pread`.
    case read
    /// `pwrite`.
    case write
    /// `ftruncate`.
    case truncate
    /// `fdatasync`.
    case sync
    /// The attempt to lock.
    case lock

    /// Whether the call can change what stands on the disk.
    public var isChange: Bool {
      switch self {
      case .create, .makeDirectory, .rename, .link, .remove, .removeDirectory, .write, .truncate: true
      case .open, .status, .entries, .syncDirectory, .read, .sync, .lock: false
      }
    }

    /// The name of the system's call, as errors carry it.
    var systemName: String {
      switch self {
      case .open, .create: "open"
      case .status: "stat"
      case .makeDirectory: "mkdir"
      case .rename: "rename"
      case .link: "link"
      case .remove: "unlink"
      case .removeDirectory: "rmdir"
      case .entries: "scandir"
      case .syncDirectory: "fsync"
      case .read: "read"
      case .write: "write"
      case .truncate: "ftruncate"
      case .sync: "fdatasync"
      case .lock: "fcntl"
      }
    }
  }

  /// Which call it is.
  public var kind: Kind
  /// The path that it names; of an open file, the path by which it was opened.
  public var path: String
  /// The new name of a rename or a link.
  public var target: String?

  /// Makes an operation.
  public init(_ kind: Kind, _ path: String, to target: String? = nil) {
    self.kind = kind
    self.path = path
    self.target = target
  }

  /// `rename /a -> /b`.
  public var description: String {
    target.map { "\(kind.rawValue) \(path) -> \($0)" } ?? "\(kind.rawValue) \(path)"
  }
}
