// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// One file of the project: where it is, and what it says.
struct SourceFile: Sendable {
  /// The path from the project's top, with `/`.
  let path: String
  let text: String
  /// The lines as they are written.
  let lines: [Substring]
  /// The same lines without comments and without what stands in string literals; empty for other languages.
  let code: [String]

  init(path: String, text: String) {
    self.path = path
    self.text = text
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = path.hasSuffix(".swift") ? codeLines(of: text) : []
  }

  /// The folder below `Sources` that the file lies in: the room's short name.
  var room: String? {
    let parts = path.split(separator: "/")
    return parts.count >= 3 && parts[0] == "Sources" ? String(parts[1]) : nil
  }

  /// Whether a comment stands on line `index` or ends on the line above it: the place where a reason is given.
  func hasReason(at index: Int) -> Bool {
    if lines[index].contains("//") { return true }
    return index > 0 && lines[index - 1].drop(while: { $0 == " " }).hasPrefix("//")
  }
}

/// The project's files as they lie on disk.
enum SourceTree {
  /// The project's top, found from where this file was compiled.
  static let top: String = {
    var parts = #filePath.split(separator: "/").dropLast(3)
    parts.append("")
    return "/" + parts.joined(separator: "/")
  }()

  /// Every Swift, C and Markdown file of the project, without what was built.
  static let files: [SourceFile] = {
    var files: [SourceFile] = []
    for folder in ["Sources", "Tests", "Examples", "LoadTests", "docs"] { collect(folder, into: &files) }
    for path in ["Package.swift", "README.md", "CHANGELOG.md"] {
      if let text = read(path) { files.append(SourceFile(path: path, text: text)) }
    }
    return files.sorted { $0.path < $1.path }
  }()

  /// Every Markdown file of the project.
  static let documents: [SourceFile] = {
    var documents = files.filter { $0.path.hasSuffix(".md") }
    if let text = read("config/README.md") { documents.append(SourceFile(path: "config/README.md", text: text)) }
    return documents
  }()

  /// Whether there is a file or a folder.
  static func exists(_ path: String) -> Bool {
    access(top + path, F_OK) == 0
  }

  /// The text of one file, nil where there is none or it is no UTF-8.
  static func read(_ path: String) -> String? {
    guard let file = fopen(top + path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func collect(_ folder: String, into files: inout [SourceFile]) {
    guard let directory = opendir(top + folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") || name == "Corpus" { continue }
      let path = "\(folder)/\(name)"
      if Int32(entry.pointee.d_type) == Int32(DT_DIR) {
        collect(path, into: &files)
      } else if [".swift", ".h", ".md"].contains(where: name.hasSuffix), let text = read(path) {
        files.append(SourceFile(path: path, text: text))
      }
    }
  }
}
