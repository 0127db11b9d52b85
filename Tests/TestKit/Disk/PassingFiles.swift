// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Files that pass everything on to others, but for what a test says itself.
public protocol PassingFiles: Files {
  /// Those that do the work.
  var files: any Files { get }
}

extension PassingFiles {
  /// See ``Files/boot``.
  public var boot: BootIdentity { files.boot }
  /// See ``Files/open(_:_:)``.
  public func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    try files.open(path, access)
  }
  /// See ``Files/status(_:)``.
  public func status(_ path: String) throws(FileError) -> FileStatus? { try files.status(path) }
  /// See ``Files/makeDirectory(_:)``.
  public func makeDirectory(_ path: String) throws(FileError) -> Bool { try files.makeDirectory(path) }
  /// See ``Files/rename(_:to:)``.
  public func rename(_ source: String, to target: String) throws(FileError) { try files.rename(source, to: target) }
  /// See ``Files/link(_:as:)``.
  public func link(_ path: String, as newPath: String) throws(FileError) -> Bool { try files.link(path, as: newPath) }
  /// See ``Files/remove(_:)``.
  public func remove(_ path: String) throws(FileError) -> Bool { try files.remove(path) }
  /// See ``Files/removeDirectory(_:)``.
  public func removeDirectory(_ path: String) throws(FileError) -> Bool { try files.removeDirectory(path) }
  /// See ``Files/entries(_:)``.
  public func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? { try files.entries(path) }
  /// See ``Files/syncDirectory(_:)``.
  public func syncDirectory(_ path: String) throws(FileError) { try files.syncDirectory(path) }
}
