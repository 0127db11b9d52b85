// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// A directory of one test's own, removed with everything in it when the last reference goes.
final class Scratch: Sendable {
  let path: String

  /// In the system's place for temporary files, or in memory where very many small files are made and never synced.
  init(inMemory: Bool = false) throws {
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let base = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : temporary
    var template = Array("\(base)/gantry-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw HarnessError("mkdtemp: \(String(cString: strerror(errno)))") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Files.remove(path) }
}

/// The few things that tests do with files.
enum Files {
  static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

  /// Writes a file, with the directories above it.
  static func write(_ bytes: [UInt8], to path: String) throws {
    try makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    guard let file = fopen(path, "w") else { throw HarnessError("\(path): \(String(cString: strerror(errno)))") }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw HarnessError("\(path): could not be written whole") }
  }

  static func makeDirectory(_ path: String) throws {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw HarnessError("mkdir \(path): \(String(cString: strerror(errno)))")
    }
    try makeDirectory(String(path[..<slash]))
    _ = mkdir(path, 0o755)
  }

  static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  static func text(_ path: String) -> String { String(decoding: read(path) ?? [], as: UTF8.self) }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The names in a directory, sorted.
  static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Every file below a directory, by its path from there.
  static func tree(_ path: String, below prefix: String = "") -> [String] {
    names(in: path).flatMap { name -> [String] in
      var status = stat()
      lstat("\(path)/\(name)", &status)
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      return isDirectory ? tree("\(path)/\(name)", below: "\(prefix)\(name)/") : ["\(prefix)\(name)"]
    }
  }

  static func remove(_ path: String) {
    for name in names(in: path) {
      let child = "\(path)/\(name)"
      var status = stat()
      lstat(child, &status)
      if status.st_mode & S_IFMT == S_IFDIR { remove(child) } else { unlink(child) }
    }
    rmdir(path)
  }
}
