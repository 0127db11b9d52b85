// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Reads files of the repository.
enum Documents {
  struct Unreadable: Error {
    let path: String
  }

  static func read(_ relative: String, from file: String = #filePath) throws -> String {
    let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/\(root)/\(relative)"
    guard let stream = fopen(path, "r") else { throw Unreadable(path: path) }
    defer { fclose(stream) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { text += buffer[..<count] }
    return String(decoding: text, as: UTF8.self)
  }
}
