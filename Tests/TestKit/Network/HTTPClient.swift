// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// An HTTP/1.1 client that does what it is told, right or wrong, over one connection.
///
/// It shares no code with the server's parser and takes nothing on trust: a response that is framed wrongly is an
/// error, not a guess. Not `Sendable`: used by one task.
public final class HTTPClient {
  private static let headBytesMax = 65_536

  /// The connection, to cut, stall or close it.
  public let stream: SimulatedStream
  private var buffer: [UInt8] = []

  /// A client over `stream`.
  public init(_ stream: SimulatedStream) {
    self.stream = stream
  }

  /// Writes `text` as it stands; a line end in it is written `\r\n` by the caller.
  public func send(_ text: String) async throws(HTTPClientError) {
    try await send(Array(text.utf8))
  }

  /// Writes `bytes` as they stand.
  public func send(_ bytes: [UInt8]) async throws(HTTPClientError) {
    do throws(StreamError) {
      try await stream.write(bytes, more: false)
    } catch {
      throw .stream(error)
    }
  }

  /// Sends one request with `Host` and, for a body, `Content-Length`, and reads its response, passing over 1xx.
  public func request(
    _ method: String, _ target: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) async throws(HTTPClientError) -> HTTPReply {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: registry.test\r\n"
    for (name, value) in fields { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    try await send(Array((head + "\r\n").utf8) + (body ?? []))
    while true {
      let reply = try await reply(toHead: method == "HEAD")
      if reply.status >= 200 { return reply }
    }
  }

  /// Reads the next response, 1xx ones included. A response to a HEAD request has fields but no body.
  public func reply(toHead: Bool = false) async throws(HTTPClientError) -> HTTPReply {
    let (status, fields) = try Self.parse(head: try await readLines(until: "\r\n\r\n"))
    var body: [UInt8] = []
    let isBare = toHead || status < 200 || status == 204 || status == 304
    let lengths = fields.filter { $0.name == "content-length" }
    let codings = fields.filter { $0.name == "transfer-encoding" }
    if lengths.count > 1 || codings.count > 1 || !lengths.isEmpty && !codings.isEmpty {
      throw .malformed("two framings: \(lengths + codings)")
    }
    if isBare {
      if status < 200 || status == 204, !codings.isEmpty { throw .malformed("\(status) with Transfer-Encoding") }
    } else if let coding = codings.first {
      guard coding.value == "chunked" else { throw .malformed("coding \(coding.value)") }
      body = try await readChunks()
    } else if let text = lengths.first?.value {
      guard let length = Int(text), length >= 0, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw .malformed("Content-Length: \(text)")
      }
      body = try await take(length)
    } else {
      while try await fill() {}
      swap(&body, &buffer)
    }
    return HTTPReply(status: status, fields: fields, body: body)
  }

  /// Whether the server ends the connection now, without another byte.
  public func isAtEnd() async throws(HTTPClientError) -> Bool {
    guard buffer.isEmpty else { return false }
    return try await !fill()
  }

  // MARK: Parts of a response

  private static func parse(
    head: String
  ) throws(HTTPClientError) -> (status: Int, fields: [HTTPReply.Field]) {
    var lines = head.components(separatedBy: "\r\n")
    let start = lines.removeFirst()
    let words = start.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count == 3, words[0] == "HTTP/1.1", words[1].utf8.count == 3, let status = Int(words[1]) else {
      throw .malformed("status line: \(start)")
    }
    var fields: [HTTPReply.Field] = []
    for line in lines where !line.isEmpty {
      guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
        throw .malformed("field line: \(line)")
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      fields.append(HTTPReply.Field(name: line[..<colon].lowercased(), value: String(value)))
    }
    return (status, fields)
  }

  private func readChunks() async throws(HTTPClientError) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      // `\r\n` is one character to Swift.
      let line = try await readLines(until: "\r\n")
      guard let length = Int(line.dropLast(), radix: 16), length >= 0 else { throw .malformed("chunk size: \(line)") }
      if length > 0 { body += try await take(length) }
      guard try await take(2) == [13, 10] else { throw .malformed("no line end after a chunk of \(length)") }
      if length == 0 { return body }
    }
  }

  private func take(_ count: Int) async throws(HTTPClientError) -> [UInt8] {
    while buffer.count < count {
      guard try await fill() else { throw .ended(after: "\(buffer.count) of \(count) bytes of a body") }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Takes everything up to and with `mark`.
  private func readLines(until mark: StaticString) async throws(HTTPClientError) -> String {
    let mark = mark.withUTF8Buffer { Array($0) }
    var searched = 0
    while true {
      while searched + mark.count <= buffer.count {
        if buffer[searched] == mark[0], buffer[searched..<(searched + mark.count)].elementsEqual(mark) {
          let text = String(decoding: buffer[..<(searched + mark.count)], as: UTF8.self)
          buffer.removeFirst(searched + mark.count)
          return text
        }
        searched += 1
      }
      guard buffer.count < Self.headBytesMax else { throw .malformed("a head without end") }
      guard try await fill() else { throw .ended(after: String(decoding: buffer, as: UTF8.self)) }
    }
  }

  private func fill() async throws(HTTPClientError) -> Bool {
    do throws(StreamError) {
      return try await stream.read(into: &buffer, atMost: 65_536) > 0
    } catch {
      throw .stream(error)
    }
  }
}

extension String {
  /// The parts between the line ends; `\r\n` is one character to Swift, so the bytes are looked at.
  fileprivate func components(separatedBy mark: StaticString) -> [String] {
    let mark = mark.withUTF8Buffer { Array($0) }
    let bytes = Array(utf8)
    var parts: [String] = []
    var start = 0
    var at = 0
    while at + mark.count <= bytes.count {
      if bytes[at] == mark[0], bytes[at..<(at + mark.count)].elementsEqual(mark) {
        parts.append(String(decoding: bytes[start..<at], as: UTF8.self))
        at += mark.count
        start = at
      } else {
        at += 1
      }
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }
}
