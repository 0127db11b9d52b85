// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Finds the data in a body of the chunked coding (RFC 9112, 7.1). Extensions and trailer fields are checked, bounded
/// and dropped.
///
/// A machine that takes bytes as they come and never looks at one twice: what a step consumed must not be given again.
/// How the bytes were cut changes only how the data is cut.
public struct ChunkedDecoder: Sendable {
  /// What one call came upon. `consumed` counts from the offset given.
  @frozen
  public enum Step: Hashable, Sendable {
    /// Body bytes: the range of the buffer that holds them (never empty), which `consumed` covers.
    case data(Range<Int>, consumed: Int)
    /// All bytes given were taken; the body goes on.
    case needMore(consumed: Int)
    /// The body is complete; the next request begins after `consumed`.
    case end(consumed: Int)
    /// The coding is broken. Where the next request begins cannot be known: the connection has to close.
    case failed(WireError)
  }

  /// The bounds that the coding is held to.
  public let limits: WireLimits

  private var state = State.sizeStart
  /// The size under way, then what is left of the chunk's data.
  private var rest: UInt64 = 0
  private var lineBytes = 0
  private var overhead = 0
  private var trailerBytes = 0
  /// Bytes of the coded body taken by earlier calls, for the positions in errors.
  private var taken = 0

  private enum State: Hashable {
    case sizeStart, size, chunkExtension, sizeLineFeed
    case data, dataCarriageReturn, dataLineFeed
    case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed
    case complete
    case failed(WireError)
  }

  /// A decoder at the first byte of a body.
  public init(limits: WireLimits = WireLimits()) {
    self.limits = limits
  }

  /// Whether the end of the body was seen.
  public var isComplete: Bool { state == .complete }

  /// Goes on with the bytes from `offset` to the end of the buffer, up to the next data, the end, or an error.
  public mutating func decode(_ buffer: [UInt8], from offset: Int) -> Step {
    if case .failed(let error) = state { return .failed(error) }
    do throws(WireError) {
      return try step(buffer.span, offset)
    } catch {
      state = .failed(error)
      return .failed(error)
    }
  }

  private mutating func step(_ bytes: Span<UInt8>, _ offset: Int) throws(WireError) -> Step {
    var index = offset
    while index < bytes.count {
      if state == .data {
        let available = bytes.count - index
        let length = rest < UInt64(available) ? Int(rest) : available
        rest -= UInt64(length)
        if rest == 0 { state = .dataCarriageReturn }
        let consumed = index + length - offset
        taken += consumed
        return .data(index..<(index + length), consumed: consumed)
      }
      if state == .complete { break }
      try take(bytes[index], at: taken + index - offset)
      index += 1
    }
    taken += index - offset
    return state == .complete ? .end(consumed: index - offset) : .needMore(consumed: index - offset)
  }

  /// One byte that is no data.
  private mutating func take(_ byte: UInt8, at position: Int) throws(WireError) {
    switch state {
    case .sizeStart, .size, .chunkExtension, .sizeLineFeed:
      lineBytes += 1
      if lineBytes > limits.chunkLineBytesMax { throw .chunkLineTooLong(max: limits.chunkLineBytesMax) }
      try takeSizeLine(byte, position)
    case .dataCarriageReturn:
      guard byte == Octet.carriageReturn else { throw .chunkDataUnterminated(at: position) }
      state = .dataLineFeed
    case .dataLineFeed:
      guard byte == Octet.lineFeed else { throw .chunkDataUnterminated(at: position) }
      lineBytes = 0
      state = .sizeStart
    case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed:
      trailerBytes += 1
      if trailerBytes > limits.trailerBytesMax { throw .trailersTooLong(max: limits.trailerBytesMax) }
      try takeTrailer(byte, position)
    case .data, .complete, .failed:
      preconditionFailure("these states take no single byte")
    }
  }

  /// `chunk-size [ chunk-ext ] CRLF`, the size in plain hexadecimal digits.
  private mutating func takeSizeLine(_ byte: UInt8, _ position: Int) throws(WireError) {
    switch (state, byte) {
    case (.sizeLineFeed, Octet.lineFeed):
      try endSizeLine()
    case (.sizeLineFeed, _):
      throw .bareCarriageReturn(at: position - 1)
    case (.sizeStart, Octet.carriageReturn), (.sizeStart, Octet.semicolon):
      throw .chunkSizeMissing(at: position)
    case (_, Octet.lineFeed):
      throw .bareLineFeed(at: position)
    case (_, Octet.carriageReturn):
      state = .sizeLineFeed
    case (.size, Octet.semicolon):
      state = .chunkExtension
    case (.chunkExtension, _):
      guard Octet.isVisible(byte) || Octet.isBlank(byte) else { throw .chunkExtensionByte(byte, at: position) }
    default:
      guard let digit = Octet.hexValue(byte) else { throw .chunkSizeByte(byte, at: position) }
      guard rest <= UInt64(Int64.max) >> 4 else { throw .chunkSizeTooLarge(at: position) }
      rest = rest << 4 | UInt64(digit)
      state = .size
    }
  }

  private mutating func endSizeLine() throws(WireError) {
    let paid = rest < UInt64(limits.chunkOverheadBytesMax) ? 16 + 2 * Int(rest) : lineBytes + overhead
    overhead = max(0, overhead + lineBytes - paid)
    if overhead > limits.chunkOverheadBytesMax {
      throw .chunkOverheadTooLarge(max: limits.chunkOverheadBytesMax)
    }
    state = rest == 0 ? .trailerStart : .data
  }

  /// `*( field-line CRLF ) CRLF`, held to the same rules as the fields of a head.
  private mutating func takeTrailer(_ byte: UInt8, _ position: Int) throws(WireError) {
    switch (state, byte) {
    case (.lastLineFeed, Octet.lineFeed):
      state = .complete
    case (.trailerLineFeed, Octet.lineFeed):
      state = .trailerStart
    case (.lastLineFeed, _), (.trailerLineFeed, _):
      throw .bareCarriageReturn(at: position - 1)
    case (_, Octet.lineFeed):
      throw .bareLineFeed(at: position)
    case (.trailerStart, Octet.carriageReturn):
      state = .lastLineFeed
    case (.trailerStart, Octet.space), (.trailerStart, Octet.tab):
      throw .fieldFolded(at: position)
    case (.trailerStart, Octet.colon):
      throw .fieldNameEmpty(at: position)
    case (.trailerName, Octet.colon):
      state = .trailerValue
    case (.trailerName, Octet.carriageReturn):
      throw .fieldColonMissing(at: position)
    case (.trailerName, Octet.space), (.trailerName, Octet.tab):
      throw .fieldSpaceBeforeColon(at: position)
    case (.trailerStart, _), (.trailerName, _):
      guard Octet.isToken(byte) else { throw .fieldNameByte(byte, at: position) }
      state = .trailerName
    case (.trailerValue, Octet.carriageReturn):
      state = .trailerLineFeed
    default:
      guard Octet.isFieldValue(byte) else { throw .fieldValueByte(byte, at: position) }
    }
  }
}
