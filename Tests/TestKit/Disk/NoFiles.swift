// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// A file system without anything, for worlds whose tests touch no file.
struct NoFiles: Files {
  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    throw FileError(.notPermitted, operation: "open", path: path)
  }
  func status(_ path: String) throws(FileError) -> FileStatus? { nil }
  func makeDirectory(_ path: String) throws(FileError) -> Bool {
    throw FileError(.notPermitted, operation: "mkdir", path: path)
  }
  func rename(_ source: String, to target: String) throws(FileError) {
    throw FileError(.absent, operation: "rename", path: source)
  }
  func link(_ path: String, as newPath: String) throws(FileError) -> Bool {
    throw FileError(.absent, operation: "link", path: path)
  }
  func remove(_ path: String) throws(FileError) -> Bool { false }
  func removeDirectory(_ path: String) throws(FileError) -> Bool { false }
  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? { nil }
  func syncDirectory(_ path: String) throws(FileError) {
    throw FileError(.absent, operation: "fsync", path: path)
  }
}
