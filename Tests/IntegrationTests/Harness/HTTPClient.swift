// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A header field as it stands on the wire.
typealias Field = (name: String, value: String)

/// An answer as it came: status, fields in order, body without its framing.
struct Response: CustomStringConvertible {
  var status: Int
  var fields: [Field]
  var body: [UInt8]
  /// Whether the server said that it closes the connection, or closed it to end the body.
  var closes: Bool

  /// The value of a field that must not stand twice; nil when it is absent.
  subscript(name: String) -> String? {
    let found = all(name)
    return found.count == 1 ? found[0] : found.isEmpty ? nil : "\(found.count) times: \(found)"
  }

  /// Every value of a field, in order.
  func all(_ name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  var text: String { String(decoding: body, as: UTF8.self) }

  func json() throws -> JSON { try JSON(body) }

  /// The codes of the error document; empty when the body is none.
  var codes: [String] {
    guard let errors = try? json()["errors"]?.elements else { return [] }  // no document means no codes
    return errors.compactMap { $0["code"]?.text }
  }

  var description: String {
    "\(status) \(fields.map { "\($0.name): \($0.value)" }.joined(separator: " | ")) \(text.prefix(600))"
  }
}

/// A client that says exactly what it is told to say. One connection at a time, kept alive while the server keeps it.
final class HTTPClient {
  let endpoint: Endpoint
  /// The Host field of requests.
  var host: String
  private var connection: Connection?
  /// The port from which the last request was sent.
  private(set) var lastPort = 0

  init(_ endpoint: Endpoint) {
    self.endpoint = endpoint
    switch endpoint {
    case .unix: host = "localhost"
    default: host = endpoint.description
    }
  }

  /// Sends a request and reads its answer. `body` gets a Content-Length; `chunks` are sent chunked.
  func send(
    _ method: String, _ target: String, _ fields: [Field] = [], body: [UInt8]? = nil, chunks: [[UInt8]]? = nil
  ) throws -> Response {
    var head = "\(method) \(target) HTTP/1.1\r\n"
    if !fields.contains(where: { $0.name.lowercased() == "host" }) { head += "Host: \(host)\r\n" }
    for field in fields { head += "\(field.name): \(field.value)\r\n" }
    if chunks != nil {
      head += "Transfer-Encoding: chunked\r\n"
    } else if let body {
      head += "Content-Length: \(body.count)\r\n"
    } else if ["POST", "PUT", "PATCH"].contains(method),
      !fields.contains(where: { $0.name.lowercased() == "content-length" })
    {
      head += "Content-Length: 0\r\n"
    }
    var bytes = Array((head + "\r\n").utf8)
    if let chunks {
      for chunk in chunks where !chunk.isEmpty {
        bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
      }
      bytes += Array("0\r\n\r\n".utf8)
    } else if let body {
      bytes += body
    }
    return try exchange(bytes, method: method)
  }

  /// Sends bytes as they are and reads one answer. A kept connection that turns out closed is opened anew once.
  private func exchange(_ bytes: [UInt8], method: String) throws -> Response {
    if let kept = connection {
      // The server may have closed it since: then there is something to read, which is the end.
      if kept.isReadable(within: 0) {
        kept.shut()
        connection = nil
      }
    }
    let used = try connection ?? Connection(to: endpoint)
    connection = used
    lastPort = used.localPort
    do {
      try used.send(bytes)
    } catch {
      // A server that refuses a body may answer and close before it has read all; its answer is still there.
      if !used.isReadable(within: 2000) { throw error }
    }
    let response = try used.readResponse(to: method)
    if response.closes {
      used.shut()
      connection = nil
    }
    return response
  }

  /// Sends bytes over a connection of their own, which is then ended, and returns everything that came back.
  func raw(_ bytes: [UInt8]) throws -> [UInt8] {
    let own = try Connection(to: endpoint)
    do {
      try own.send(bytes)
    } catch {
      if !own.isReadable(within: 2000) { throw error }
    }
    own.finishWriting()
    return try own.receiveAll()
  }
}

extension Connection {
  /// Reads one final answer; interim ones are skipped unless asked for.
  func readResponse(to method: String, interim: Bool = false) throws -> Response {
    while true {
      var response = try readHead()
      if response.status < 200, !interim { continue }
      try readBody(into: &response, method: method)
      return response
    }
  }

  private func readHead() throws -> Response {
    var head: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    var searched = 0
    while true {
      let more = try receive()
      if more.isEmpty {
        throw HarnessError("the server closed the connection instead of answering, after \(head.count) bytes")
      }
      head += more
      if let found = head[searched...].firstRange(of: end) {
        putBack(head[found.upperBound...])
        head.removeSubrange(found.lowerBound...)
        break
      }
      searched = max(0, head.count - 3)
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ")
    guard status.count >= 2, status[0] == "HTTP/1.1" || status[0] == "HTTP/1.0", let code = Int(status[1]) else {
      throw HarnessError("no status line: \(lines[0])")
    }
    var fields: [Field] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw HarnessError("no header field: \(line)") }
      fields.append((String(line[..<colon]), String(line[line.index(after: colon)...].trimmed())))
    }
    var response = Response(status: code, fields: fields, body: [], closes: status[0] == "HTTP/1.0")
    if response["Connection"]?.lowercased() == "close" { response.closes = true }
    return response
  }

  private func readBody(into response: inout Response, method: String) throws {
    if method == "HEAD" || response.status == 204 || response.status == 304 || response.status < 200 { return }
    if response["Transfer-Encoding"]?.lowercased() == "chunked" {
      response.body = try readChunked()
    } else if let length = response["Content-Length"] {
      guard let count = Int(length) else { throw HarnessError("Content-Length: \(length)") }
      response.body = try read(count)
    } else {
      response.body = try receiveAll()
      response.closes = true
    }
  }

  func read(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
      let more = try receive()
      if more.isEmpty { throw HarnessError("the body ended after \(bytes.count) of \(count) bytes") }
      bytes += more
    }
    putBack(bytes[count...])
    bytes.removeSubrange(count...)
    return bytes
  }

  private func readLine() throws -> String {
    var line: [UInt8] = []
    while !line.suffix(2).elementsEqual("\r\n".utf8) { line += try read(1) }
    return String(decoding: line.dropLast(2), as: UTF8.self)
  }

  private func readChunked() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let size = try readLine()
      guard let count = Int(size, radix: 16) else { throw HarnessError("no chunk size: \(size)") }
      body += try read(count)
      guard try readLine() == "" else { throw HarnessError("a chunk of \(count) bytes does not end") }
      if count == 0 { return body }
    }
  }
}

extension StringProtocol {
  func trimmed() -> SubSequence {
    var rest = self[...]
    while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    return rest
  }

  func components(separatedBy separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    parts.append(String(rest))
    return parts
  }
}
