// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Parses request heads, strictly, from a buffer that grows (RFC 9112, 2 to 5).
///
/// The caller keeps the unread bytes in a buffer and calls `parse` whenever more have come, with the offset of the same
/// first byte; how the bytes were cut never changes the outcome. Each byte is looked for a line end once, and each line
/// parsed once, however slowly they trickle in. After `head` call `reset`; after `failed` close the connection.
public struct RequestParser: Sendable {
  /// What the bytes so far amount to.
  @frozen
  public enum Outcome: Sendable {
    /// The head is not complete.
    case needMore
    /// A head; the body, or the next request, begins `consumed` bytes after the offset.
    case head(RequestHead, consumed: Int)
    /// The head is refused. Nothing after it can be trusted.
    case failed(WireError)
  }

  /// The bounds that heads are held to.
  public let limits: WireLimits

  /// Empty lines before the request line: what lies before `offset + headStart` is skipped.
  private var headStart = 0
  private var emptyLines = 0
  private var isInHead = false
  /// Relative to the head's first byte: where the line under way begins, and how far it is known to hold no line end.
  private var lineStart = 0
  private var scanned = 0
  private var requestLine: RequestLine?
  private var slots: [FieldSlot] = []
  private var failure: WireError?

  /// A parser at the start of a connection.
  public init(limits: WireLimits = WireLimits()) {
    self.limits = limits
  }

  /// Goes on with the head that begins at `offset`. The bytes seen by earlier calls must still be there, unchanged, at
  /// the same distance from `offset`.
  public mutating func parse(_ buffer: [UInt8], from offset: Int) -> Outcome {
    if let failure { return .failed(failure) }
    do throws(WireError) {
      guard let end = try findHeadEnd(buffer.span, offset), let line = requestLine else { return .needMore }
      let head = try makeHead(line, buffer, offset + headStart, end)
      return .head(head, consumed: end - offset)
    } catch {
      failure = error
      return .failed(error)
    }
  }

  /// Forgets the head, for the next request on the connection.
  public mutating func reset() {
    headStart = 0
    emptyLines = 0
    isInHead = false
    lineStart = 0
    scanned = 0
    requestLine = nil
    slots = []
    failure = nil
  }

  /// Takes lines until the empty one; gives the position after it.
  private mutating func findHeadEnd(_ bytes: Span<UInt8>, _ offset: Int) throws(WireError) -> Int? {
    if !isInHead, try !skipEmptyLines(bytes, offset) { return nil }
    let base = offset + headStart
    while true {
      let start = base + lineStart
      let lineLimit = start + limits.lineBytesMax
      let headLimit = base + limits.headBytesMax
      let limit = min(lineLimit, headLimit)
      let stop = min(bytes.count, limit)
      let index = ByteSearch.first(
        Octet.lineFeed, in: bytes, from: base + scanned, to: max(stop, base + scanned))
      scanned = index - base
      guard index < stop else {
        if index == limit { throw tooLong(isLine: lineLimit <= headLimit) }
        return nil
      }
      guard index > start, bytes[index - 1] == Octet.carriageReturn else { throw .bareLineFeed(at: scanned) }
      let end = index - 1
      scanned += 1
      lineStart = scanned
      if requestLine == nil {
        requestLine = try RequestLine(parsing: bytes, from: start, to: end, base: base)
      } else if end == start {
        return index + 1
      } else {
        try takeField(bytes, start, end, base)
      }
    }
  }

  private func tooLong(isLine: Bool) -> WireError {
    if requestLine == nil { return .requestLineTooLong(max: min(limits.lineBytesMax, limits.headBytesMax)) }
    return isLine ? .fieldLineTooLong(max: limits.lineBytesMax) : .headTooLong(max: limits.headBytesMax)
  }

  /// Skips a few line ends before the request line (RFC 9112, 2.2); false when the request line has not begun.
  private mutating func skipEmptyLines(_ bytes: Span<UInt8>, _ offset: Int) throws(WireError) -> Bool {
    while offset + headStart < bytes.count {
      let at = offset + headStart
      let byte = bytes[at]
      if byte == Octet.carriageReturn {
        guard at + 1 < bytes.count else { return false }
        guard bytes[at + 1] == Octet.lineFeed else { throw .bareCarriageReturn(at: 0) }
        emptyLines += 1
        if emptyLines > limits.emptyLinesMax { throw .emptyLinesTooMany(max: limits.emptyLinesMax) }
        headStart += 2
      } else if byte == Octet.lineFeed {
        throw .bareLineFeed(at: 0)
      } else if Octet.isToken(byte) {
        isInHead = true
        return true
      } else {
        throw .notHTTP(firstByte: byte)
      }
    }
    return false
  }

  /// Parses one field line, without its line end.
  private mutating func takeField(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ base: Int) throws(WireError) {
    guard slots.count < limits.fieldsMax else { throw .fieldsTooMany(max: limits.fieldsMax) }
    if slots.isEmpty { slots.reserveCapacity(16) }
    slots.append(try FieldSlot(parsing: bytes, from: start, to: end, base: base))
  }

  /// Judges the fields together and copies the head out of the buffer.
  private mutating func makeHead(
    _ line: RequestLine, _ buffer: [UInt8], _ base: Int, _ end: Int
  ) throws(WireError) -> RequestHead {
    var storage = Array(buffer[base..<end])
    var target = line.target
    if target.path.isEmpty {
      // An absolute-form target without a path means the root (RFC 9112, 3.2.1).
      target.path = storage.count..<(storage.count + 1)
      storage.append(Octet.slash)
    }
    let control = try ControlFields(storage, slots, line.version)
    let host = target.authority ?? control.host
    return RequestHead(
      method: line.method, version: line.version, framing: control.framing, keepAlive: control.keepAlive,
      expectsContinue: control.expectsContinue && control.framing.hasContent && line.version == .http11,
      storage: storage, slots: slots, target: target, hostRange: host)
  }
}

extension BodyFraming {
  fileprivate var hasContent: Bool {
    switch self {
    case .none, .length(0): false
    case .length, .chunked: true
    }
  }
}
