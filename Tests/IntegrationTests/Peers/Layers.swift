// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Layers that can be told apart in whatever order their parts come.
enum Layers {
  static let count = 100
  private static let recordBytes = 16

  /// A layer of records of 16 bytes that name it, from 16 KiB to 64 KiB long.
  static func bytes(of number: Int) -> [UInt8] {
    let record = Array("layer-\(1000 + number)-data\n".utf8)
    precondition(record.count == recordBytes)
    return Array(repeatElement(record, count: 1024 * (1 + number % 4)).joined())
  }

  /// Expects every layer's records in `bytes`, each as often as it is long, however they are mixed.
  static func expect(all layers: [[UInt8]], in bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(bytes.count == layers.reduce(0) { $0 + $1.count }, sourceLocation: sourceLocation)
    var records: [ArraySlice<UInt8>: Int] = [:]
    for start in stride(from: 0, to: bytes.count - bytes.count % recordBytes, by: recordBytes) {
      records[bytes[start..<(start + recordBytes)], default: 0] += 1
    }
    #expect(records.count == layers.count, sourceLocation: sourceLocation)
    #expect(
      layers.allSatisfy { records[$0[..<recordBytes]] == $0.count / recordBytes }, sourceLocation: sourceLocation)
  }
}
