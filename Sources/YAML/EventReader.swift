// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryYAML

/// One event of libyaml, copied out of its memory.
enum YAMLEvent {
  case streamStart
  case streamEnd
  case documentStart
  case documentEnd
  case alias(String)
  case scalar(YAMLScalar, anchor: String?)
  case sequenceStart(tag: String?, anchor: String?)
  case sequenceEnd
  case mappingStart(tag: String?, anchor: String?)
  case mappingEnd
}

/// libyaml's parser over one text: the only place that touches its memory.
///
/// Owns the parser and a copy of the text until `close()`, which must be called exactly once. Not Sendable.
/// Safe to use from safe code: both buffers are private and live exactly from `init` to `close()`.
@safe
final class EventReader {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>
  private let isInitialized: Bool
  private var isClosed = false

  init(_ bytes: [UInt8]) {
    unsafe parser = .allocate(capacity: 1)
    // One byte at least, so that the base address exists for an empty text.
    unsafe text = .allocate(capacity: bytes.count + 1)
    _ = unsafe text.initialize(fromContentsOf: bytes + [0])
    isInitialized = unsafe yaml_parser_initialize(parser) == 1
    if isInitialized {
      unsafe yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }
  }

  deinit {
    precondition(isClosed, "EventReader was dropped without close()")
  }

  /// Gives libyaml's memory back; the reader may not be used after it.
  func close() {
    precondition(!isClosed, "EventReader closed twice")
    isClosed = true
    if isInitialized { unsafe yaml_parser_delete(parser) }
    unsafe parser.deallocate()
    unsafe text.deallocate()
  }

  /// The next event and where it begins. After an error or `streamEnd` it may not be called again.
  func next() throws(YAMLError) -> (YAMLEvent, YAMLMark) {
    guard isInitialized else { throw YAMLError(.outOfMemory, at: YAMLMark(line: 1, column: 1)) }
    while true {
      var event = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
      defer { unsafe yaml_event_delete(&event) }
      let mark = YAMLMark(unsafe event.start_mark)
      // YAML_NO_EVENT is only returned after the end of the stream.
      if let copy = unsafe YAMLEvent(event) { return (copy, mark) }
    }
  }

  private func failure() -> YAMLError {
    let state = unsafe parser.pointee
    let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "malformed text"
    switch unsafe state.error {
    case YAML_MEMORY_ERROR:
      return YAMLError(.outOfMemory, at: YAMLMark(unsafe state.mark))
    case YAML_READER_ERROR:
      return YAMLError(.syntax(problem), at: mark(ofOffset: unsafe state.problem_offset))
    default:
      guard let context = unsafe state.context.map({ unsafe String(cString: $0) }) else {
        return YAMLError(.syntax(problem), at: YAMLMark(unsafe state.problem_mark))
      }
      let began = YAMLMark(unsafe state.context_mark)
      return YAMLError(
        .syntax("\(problem), \(context) that began in line \(began.line)"),
        at: YAMLMark(unsafe state.problem_mark))
    }
  }

  /// libyaml names the place of an encoding fault by its byte; nothing before it needs to be decoded to count lines.
  private func mark(ofOffset offset: Int) -> YAMLMark {
    var mark = YAMLMark(line: 1, column: 1)
    for index in unsafe 0..<min(offset, text.count) {
      let byte = unsafe text[index]
      if byte == UInt8(ascii: "\n") {
        mark = YAMLMark(line: mark.line + 1, column: 1)
      } else if byte & 0xC0 != 0x80 {
        mark.column += 1
      }
    }
    return mark
  }
}

extension YAMLMark {
  init(_ mark: yaml_mark_t) {
    self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}

extension YAMLEvent {
  /// Copies what libyaml's event holds; nil for the empty event.
  fileprivate init?(_ event: borrowing yaml_event_t) {
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: self = .streamStart
    case YAML_STREAM_END_EVENT: self = .streamEnd
    case YAML_DOCUMENT_START_EVENT: self = .documentStart
    case YAML_DOCUMENT_END_EVENT: self = .documentEnd
    case YAML_SEQUENCE_END_EVENT: self = .sequenceEnd
    case YAML_MAPPING_END_EVENT: self = .mappingEnd
    case YAML_ALIAS_EVENT:
      self = .alias(unsafe Self.text(event.data.alias.anchor) ?? "")
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      self = .sequenceStart(tag: unsafe Self.text(start.tag), anchor: unsafe Self.text(start.anchor))
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      self = .mappingStart(tag: unsafe Self.text(start.tag), anchor: unsafe Self.text(start.anchor))
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      let style: YAMLScalar.Style =
        switch unsafe scalar.style {
        case YAML_PLAIN_SCALAR_STYLE: .plain
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
        default: .quoted
        }
      let value = YAMLScalar(
        unsafe String(decoding: bytes, as: UTF8.self), style: style, tag: unsafe Self.text(scalar.tag))
      self = .scalar(value, anchor: unsafe Self.text(scalar.anchor))
    default: return nil
    }
  }

  private static func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    guard let bytes = unsafe bytes else { return nil }
    return unsafe String(cString: bytes)
  }
}
