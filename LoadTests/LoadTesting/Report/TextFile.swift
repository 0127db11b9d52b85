// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// Files that reports are written to.
public enum TextFile {
  /// A file's text.
  public static func read(_ path: String) throws(InputError) -> String {
    String(decoding: try ScenarioFile.read(path), as: UTF8.self)
  }

  /// Writes a whole file; makes its directory where that is absent.
  public static func write(_ text: String, to path: String) throws(InputError) {
    let files = LoopGroup.files
    do throws(FileError) {
      if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
        _ = try files.makeDirectory(String(path[..<slash]))
      }
      let file = try files.open(path, .create(mode: 0o644))
      let bytes = Array(text.utf8)
      try file.write(bytes, at: 0)
      try file.truncate(to: UInt64(bytes.count))
    } catch {
      throw InputError("\(path): cannot be written: \(LoopError.text(error.code))")
    }
  }
}
