// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPasswordHash
import GantryWorld

/// The file of users where there is none yet.
enum UserFile {
  /// The user that is made.
  static let provisionedName = "docker"

  /// Makes the file, readable by its owner only, with one user, and the directories above it; returns the password. Nil
  /// when there is a file, or another process makes one meanwhile. Blocks.
  ///
  /// It is there whole or not at all: an empty one would be taken for a file of no users from then on.
  static func provision(_ path: String, _ files: any Files, _ entropy: any Entropy) throws(FileError) -> String? {
    guard try files.status(path) == nil else { return nil }
    let password = hexadecimal(entropy.bytes(24))
    guard let hash = BcryptHash(hashing: Array(password.utf8), salt: entropy.bytes(16)) else {
      preconditionFailure("digits hold no NUL")
    }
    let directory = parent(of: path)
    try makeDirectories(directory, files)
    let draft = "\(path).\(hexadecimal(entropy.bytes(8)))"
    let isFirst: Bool
    do throws(FileError) {
      let file = try files.open(draft, .createNew(mode: 0o600))
      try file.write(Array("\(provisionedName):\(hash.text)\n".utf8), at: 0)
      try file.sync()
      isFirst = try name(draft, path, files)
    } catch {
      // What is told is why the file could not be made.
      _ = try? files.remove(draft)
      throw error
    }
    _ = try files.remove(draft)
    try files.syncDirectory(directory)
    return isFirst ? password : nil
  }

  /// Gives the draft its name unless that is taken. False when it is.
  private static func name(_ draft: String, _ path: String, _ files: any Files) throws(FileError) -> Bool {
    do throws(FileError) {
      return try files.link(draft, as: path)
    } catch {
      guard error.reason == .unsupported else { throw error }
      guard try files.status(path) == nil else { return false }
      try files.rename(draft, to: path)
      return true
    }
  }

  private static func makeDirectories(_ path: String, _ files: any Files) throws(FileError) {
    guard try files.status(path) == nil else { return }
    let parent = parent(of: path)
    if parent != path { try makeDirectories(parent, files) }
    _ = try files.makeDirectory(path)
    try files.syncDirectory(parent)
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
