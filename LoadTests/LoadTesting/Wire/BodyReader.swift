// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryCryptography
internal import GantryHTTPWire

/// Takes the bytes of an answer's body: finds its end, and drops, verifies or keeps it.
struct BodyReader {
  private(set) var taken = 0
  private(set) var rest: Int
  private(set) var collected: [UInt8] = []
  private(set) var problem: String?
  /// Whether more bytes came than the answer has: the connection cannot be used again.
  private(set) var leftover = false

  private let framing: AnswerHead.Framing
  private var decoder: ChunkedDecoder?
  private var running: RunningDigest?
  private let wanted: [UInt8]
  private let collectMax: Int
  private var endSeen = false

  init(_ sink: Sink, _ framing: AnswerHead.Framing) {
    self.framing = framing
    switch framing {
    case .length(let length): rest = length
    case .chunked:
      rest = .max
      decoder = ChunkedDecoder(limits: WireLimits(chunkOverheadBytesMax: 1 << 24))
    case .untilClose: rest = .max
    }
    switch sink {
    case .drop: (wanted, collectMax) = ([], 0)
    case .verify(let digest):
      (wanted, collectMax) = (digest, 0)
      running = RunningDigest(.sha256)
    case .collect(let most): (wanted, collectMax) = ([], most)
    }
  }

  /// Whether the rest needs no look at its bytes.
  var mayDiscard: Bool { decoder == nil && running == nil && collectMax == 0 && rest > 65_536 && rest != .max }

  /// Takes the end of the connection; false when the body is not whole by that.
  mutating func connectionEnded() -> Bool {
    guard framing == .untilClose else { return false }
    endSeen = true
    return true
  }

  var isComplete: Bool { endSeen || (decoder == nil && rest == 0) }

  var expectation: String {
    if case .length(let length) = framing { " of \(length)" } else { "" }
  }

  mutating func discarded(_ count: Int) {
    taken += count
    rest -= count
  }

  mutating func take(_ buffer: [UInt8], _ start: Int, _ end: Int) {
    if decoder != nil { return decode(Array(buffer[start..<end])) }
    let count = min(end - start, rest)
    leftover = end - start > count
    if rest != .max { rest -= count }
    content(buffer, start, start + count)
  }

  private mutating func decode(_ bytes: [UInt8]) {
    var offset = 0
    while true {
      switch decoder?.decode(bytes, from: offset) {
      case .data(let range, let consumed):
        content(bytes, range.lowerBound, range.upperBound)
        offset += consumed
      case .needMore, nil: return
      case .end(let consumed):
        leftover = offset + consumed < bytes.count
        endSeen = true
        return
      case .failed(let error):
        problem = "the chunked coding of the body is broken: \(error)"
        return
      }
    }
  }

  private mutating func content(_ buffer: [UInt8], _ start: Int, _ end: Int) {
    guard end > start else { return }
    taken += end - start
    running?.update(buffer[start..<end])
    if collectMax > 0 {
      collected += buffer[start..<min(end, start + max(0, collectMax - collected.count))]
    }
  }

  /// What is wrong with a complete body's digest.
  var mismatch: String? {
    guard let running else { return nil }
    let found = running.finished()
    if found == wanted { return nil }
    return
      "the \(taken) bytes have the digest sha256:\(Hexadecimal.text(found)), not sha256:\(Hexadecimal.text(wanted))"
  }
}

/// Bytes as lower-case hexadecimal digits.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 15)])
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The bytes behind hexadecimal digits; nil where there is anything else.
  static func bytes(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count % 2 == 0 else { return nil }
    var output: [UInt8] = []
    for index in stride(from: 0, to: characters.count, by: 2) {
      guard let high = value(characters[index]), let low = value(characters[index + 1]) else { return nil }
      output.append(high << 4 | low)
    }
    return output
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 97...102: digit - 87
    case 65...70: digit - 55
    default: nil
    }
  }
}
