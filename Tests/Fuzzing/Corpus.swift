// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// The entries of one corpus file; `Tests/Corpus/http/README.md` describes the form.
public struct Corpus: Sendable {
  /// One input with its name.
  public struct Entry: Sendable, CustomStringConvertible {
    /// What stands after `=== `.
    public let name: String
    /// The bytes that the escapes stand for.
    public let bytes: [UInt8]

    /// The name.
    public var description: String { name }
  }

  /// The entries in the file's order.
  public let entries: [Entry]

  /// Reads `Tests/Corpus/http/<name>.txt`. A missing or broken file is a mistake in the repository, and traps.
  public init(http name: String) {
    self.init(path: "http/\(name).txt")
  }

  /// Reads a file below `Tests/Corpus`.
  public init(path: String) {
    let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    self.init(text: Self.read("/\(folder)/Corpus/\(path)"))
  }

  init(text: String) {
    var entries: [Entry] = []
    var name: String?
    var bytes: [UInt8] = []
    // Line ends are bytes here: a Character would take CR LF as one.
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if line.starts(with: "=== ".utf8) {
        if let name { entries.append(Entry(name: name, bytes: bytes)) }
        name = String(decoding: line.dropFirst(4), as: UTF8.self)
        bytes = []
      } else if name != nil {
        bytes.append(contentsOf: Self.unescaped(Array(line)))
      }
    }
    if let name { entries.append(Entry(name: name, bytes: bytes)) }
    precondition(!entries.isEmpty, "a corpus without entries")
    self.entries = entries
  }

  private static func unescaped(_ line: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var index = 0
    while index < line.count {
      guard line[index] == UInt8(ascii: "\\"), index + 1 < line.count else {
        output.append(line[index])
        index += 1
        continue
      }
      index += 2
      switch line[index - 1] {
      case UInt8(ascii: "r"): output.append(13)
      case UInt8(ascii: "n"): output.append(10)
      case UInt8(ascii: "t"): output.append(9)
      case UInt8(ascii: "0"): output.append(0)
      case UInt8(ascii: "\\"): output.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "x"):
        let digits = String(decoding: line[index..<min(index + 2, line.count)], as: UTF8.self)
        guard let byte = UInt8(digits, radix: 16) else { preconditionFailure("\\x needs two digits in a corpus") }
        output.append(byte)
        index += 2
      default: preconditionFailure("an unknown escape in a corpus")
      }
    }
    return output
  }

  private static func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { preconditionFailure("no corpus at \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
