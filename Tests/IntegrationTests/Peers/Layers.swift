// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Layers that can be told apart in whatever order their parts come.
enum Layers {
  static let count = 100

  /// A layer of records of so many bytes that name it, from 16 KiB to 64 KiB long.
  static func bytes(of number: Int, record recordBytes: Int = 16) -> [UInt8] {
    let name = Array("layer-\(1000 + number)-data".utf8)
    let record = name + [UInt8](repeating: UInt8(ascii: "."), count: recordBytes - 1 - name.count) + [10]
    return Array(repeatElement(record, count: ((1 + number % 4) << 14) / recordBytes).joined())
  }

  /// Expects every layer's records in `bytes`, each as often as it is long, however they are mixed: frames have to be
  /// whole records, so a record divides what a full frame carries.
  static func expect(
    all layers: [[UInt8]], in bytes: [UInt8], record recordBytes: Int = 16,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
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
