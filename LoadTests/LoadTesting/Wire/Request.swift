// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A request whose bytes are made once and sent often.
///
/// Isolation: belongs to one client.
final class Request {
  let method: String
  /// Path and query, as they are sent.
  let path: String
  let fields: [(name: String, value: String)]
  /// The statuses that the operation may get.
  let statuses: [Int]
  /// What a bearer token has to allow: `repository:name:pull,push`; empty where none is needed.
  let scope: String
  /// Whether the head of the answer is kept for its fields.
  let keepsHead: Bool

  private var bytes: [UInt8] = []
  private var authorization: String?
  private var length: Int?
  private var isMade = false

  init(
    _ method: String, _ path: String, fields: [(name: String, value: String)] = [], statuses: [Int] = [200],
    scope: String = "", keepsHead: Bool = false
  ) {
    (self.method, self.path, self.fields) = (method, path, fields)
    (self.statuses, self.scope, self.keepsHead) = (statuses, scope, keepsHead)
  }

  /// The head as it is sent. `length` is the body's, nil for none.
  func head(authority: String, authorization: String?, length: Int?) -> [UInt8] {
    if isMade, authorization == self.authorization, length == self.length { return bytes }
    var text = "\(method) \(path) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: registry-load\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    if let authorization { text += "Authorization: \(authorization)\r\n" }
    if let length { text += "Content-Length: \(length)\r\n" }
    bytes = Array((text + "\r\n").utf8)
    (isMade, self.authorization, self.length) = (true, authorization, length)
    return bytes
  }

  /// `GET http://host/path` for messages.
  func description(at target: TargetURL) -> String {
    "\(method) \(target.isSecure ? "https" : "http")://\(target.authority)\(path)"
  }
}

/// The body of a request: a piece of generated data, sent from the memory that all clients share.
enum Payload {
  case none
  case bytes([UInt8])
  /// Bytes of a blob, from an offset on.
  case blob(BlobData, from: Int, count: Int)

  var count: Int? {
    switch self {
    case .none: nil
    case .bytes(let bytes): bytes.count
    case .blob(_, _, let count): count
    }
  }
}

/// What becomes of the body of an answer.
enum Sink {
  /// It is counted and dropped.
  case drop
  /// It must have this SHA-256, 32 bytes, and, where it is known, this size.
  case verify(digest: [UInt8])
  /// It is kept, up to this many bytes.
  case collect(atMost: Int)
}
