// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension RequestHead {
  /// A head made of its parts, by the same parser and held to the same rules: for tests and for callers that have no
  /// bytes from a wire.
  public init(
    method: String, target: String, fields: KeyValuePairs<String, String>, version: HTTPVersion = .http11,
    limits: WireLimits = WireLimits()
  ) throws(WireError) {
    var bytes = Array("\(method) \(target) \(version.text)\r\n".utf8)
    for (name, value) in fields { bytes.append(contentsOf: "\(name): \(value)\r\n".utf8) }
    bytes.append(contentsOf: "\r\n".utf8)
    var parser = RequestParser(limits: limits)
    switch parser.parse(bytes, from: 0) {
    case .head(let head, let consumed):
      // A line end in a part would have ended the head early.
      guard consumed == bytes.count else { throw .bareCarriageReturn(at: consumed) }
      self = head
    case .failed(let error): throw error
    case .needMore: preconditionFailure("a head with its empty line is complete")
    }
  }

  /// The head printed anew, in one form: the target in origin or asterisk form (an absolute one keeps its authority in
  /// front), one space after each colon. Parsing it gives an equal head.
  public var rendered: [UInt8] {
    var bytes = Array(method.text.utf8)
    bytes.append(Octet.space)
    if let authority = target.authority {
      bytes.append(contentsOf: "http://".utf8)
      bytes.append(contentsOf: storage[authority])
    }
    bytes.append(contentsOf: path)
    if let query {
      bytes.append(Octet.questionMark)
      bytes.append(contentsOf: query)
    }
    bytes.append(contentsOf: " \(version.text)\r\n".utf8)
    for index in 0..<fieldCount {
      let (name, value) = field(at: index)
      bytes.append(contentsOf: name)
      bytes.append(Octet.colon)
      bytes.append(Octet.space)
      bytes.append(contentsOf: value)
      bytes.append(Octet.carriageReturn)
      bytes.append(Octet.lineFeed)
    }
    bytes.append(Octet.carriageReturn)
    bytes.append(Octet.lineFeed)
    return bytes
  }
}

extension RequestHead: Equatable {
  /// Whether two heads say the same: parts and fields equal byte for byte, white space around values aside.
  public static func == (one: RequestHead, other: RequestHead) -> Bool {
    guard one.method == other.method, one.version == other.version, one.framing == other.framing,
      one.keepAlive == other.keepAlive, one.expectsContinue == other.expectsContinue, one.host == other.host,
      one.path == other.path, one.query == other.query, one.fieldCount == other.fieldCount
    else { return false }
    return (0..<one.fieldCount).allSatisfy { one.field(at: $0) == other.field(at: $0) }
  }
}
