// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The head of an answer, as far as a load tool reads it.
struct AnswerHead: Equatable {
  /// How the body's end is told (RFC 9112, 6.3).
  enum Framing: Equatable {
    case length(Int)
    case chunked
    /// The body goes to the end of the connection.
    case untilClose
  }

  var status = 0
  var framing = Framing.untilClose
  /// Whether the connection ends after this answer.
  var closes = false

  /// What parsing came upon.
  enum Outcome: Equatable {
    /// The head ends before this index of the buffer.
    case complete(end: Int)
    case incomplete
    case broken(String)
  }

  /// Bytes that a head may have.
  static let bytesMax = 64 << 10

  /// Reads a head from `bytes[start..<end]`: each byte is looked at once, nothing is allocated.
  mutating func parse(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Outcome {
    let span = bytes.span
    guard end - start >= 12 else { return .incomplete }
    guard Self.matches(span, start, "http/1."), span[start + 8] == UInt8(ascii: " ") else {
      return .broken("the answer does not begin with HTTP/1.x")
    }
    guard let code = Self.digits(span, start + 9, start + 12) else { return .broken("the status has no three digits") }
    status = code
    framing = .untilClose
    closes = span[start + 7] == UInt8(ascii: "0")
    var line = start
    var isFirst = true
    while true {
      var place = line
      while place < end, span[place] != 10 { place += 1 }
      guard place < end else { return end - start > Self.bytesMax ? .broken("the head is too long") : .incomplete }
      let lineEnd = place > line && span[place - 1] == 13 ? place - 1 : place
      if lineEnd == line, !isFirst {
        if status == 204 || status == 304 || status < 200 { framing = .length(0) }
        return .complete(end: place + 1)
      }
      if !isFirst, let problem = field(span, line, lineEnd) { return .broken(problem) }
      isFirst = false
      line = place + 1
    }
  }

  private mutating func field(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> String? {
    switch span[start] | 0x20 {
    case UInt8(ascii: "c"):
      if end - start > 15, span[start + 14] == UInt8(ascii: ":"), Self.matches(span, start, "content-length") {
        let (from, to) = Self.trimmed(span, start + 15, end)
        guard let length = Self.digits(span, from, to) else { return "Content-Length is no number" }
        if framing != .chunked { framing = .length(length) }
      } else if end - start > 11, span[start + 10] == UInt8(ascii: ":"), Self.matches(span, start, "connection") {
        let (from, to) = Self.trimmed(span, start + 11, end)
        if to - from == 5, Self.matches(span, from, "close") { closes = true }
        if to - from == 10, Self.matches(span, from, "keep-alive") { closes = false }
      }
    case UInt8(ascii: "t"):
      if end - start > 18, span[start + 17] == UInt8(ascii: ":"), Self.matches(span, start, "transfer-encoding") {
        let (from, to) = Self.trimmed(span, start + 18, end)
        guard to - from == 7, Self.matches(span, from, "chunked") else { return "an unknown Transfer-Encoding" }
        framing = .chunked
      }
    default: break
    }
    return nil
  }

  /// Whether the lower-case `word` stands at `start`, in any case of letters.
  private static func matches(_ span: Span<UInt8>, _ start: Int, _ word: StaticString) -> Bool {
    word.withUTF8Buffer { wanted in
      guard start + wanted.count <= span.count else { return false }
      for index in 0..<wanted.count {
        let byte = span[start + index]
        let lower = byte &- 65 < 26 ? byte | 0x20 : byte
        if lower != wanted[index] { return false }
      }
      return true
    }
  }

  private static func trimmed(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> (Int, Int) {
    var (from, to) = (start, end)
    while from < to, span[from] == 32 || span[from] == 9 { from += 1 }
    while to > from, span[to - 1] == 32 || span[to - 1] == 9 { to -= 1 }
    return (from, to)
  }

  private static func digits(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    guard end > start, end - start <= 18 else { return nil }
    var value = 0
    for index in start..<end {
      guard span[index] &- 48 < 10 else { return nil }
      value = value * 10 + Int(span[index] &- 48)
    }
    return value
  }

  /// The value of a field in the bytes of a head, for those that are read seldom; nil when it is not there.
  static func value(of name: String, in head: [UInt8]) -> String? {
    let wanted = name.lowercased()
    for line in head.split(separator: 10) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      guard String(decoding: line[..<colon], as: UTF8.self).lowercased() == wanted else { continue }
      var text = Substring(String(decoding: line[line.index(after: colon)...], as: UTF8.self).filter { $0 != "\r" })
      while text.first == " " || text.first == "\t" { text.removeFirst() }
      while text.last == " " || text.last == "\t" { text.removeLast() }
      return String(text)
    }
    return nil
  }
}
