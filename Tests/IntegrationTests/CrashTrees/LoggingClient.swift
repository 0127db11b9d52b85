// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Something that a client can ask for.
struct Target: Hashable, Sendable, CustomStringConvertible {
  enum Kind: String, Sendable {
    case blob = "blobs"
    /// A manifest by its digest.
    case manifest = "manifests"
    case tag = "tags"
  }

  let repository: String
  let kind: Kind
  /// A digest, or the name of the tag.
  let reference: String

  /// Where a GET asks for it.
  var url: String { "/v2/\(repository)/\(kind == .blob ? "blobs" : "manifests")/\(reference)" }
  var description: String { "\(repository)/\(kind.rawValue)/\(reference.prefix(19))" }
}

/// One request of a client, with what it does to what can be asked for.
struct Deed: Sendable, CustomStringConvertible {
  let what: String
  /// The port it was sent from, by which its answer is found in the trace.
  let port: Int
  let status: Int
  /// The digest that each target shows from then on; ``Ledger/absent`` when it is gone.
  let effects: [Target: String]
  let phase: Int

  var description: String { "\(what) -> \(status)" }
}

/// What one client did, in order, and the contents that it pushed.
struct ClientLog: Sendable {
  var deeds: [Deed] = []
  var contents: [String: [UInt8]] = [:]
}

/// A client that pushes, tags, mounts and deletes, and keeps a log. Between any two writes it asks for something that
/// changes nothing, so that no write is under way when the one before is answered.
final class LoggingClient {
  private let client: HTTPClient
  private let isOld: Bool
  private(set) var log = ClientLog()
  var phase = 0

  /// - Parameter isOld: the server is Distribution, to which an upload takes two requests at least.
  init(_ endpoint: Endpoint, isOld: Bool) {
    client = HTTPClient(endpoint)
    self.isOld = isOld
  }

  enum Way: CaseIterable { case single, putOnly, chunks, chunked }

  /// Pushes a blob and returns its digest.
  @discardableResult
  func push(
    _ bytes: [UInt8], to repository: String, _ way: Way = .putOnly, _ algorithm: Algorithm = .sha256
  ) throws -> String {
    let digest = algorithm.digest(bytes)
    log.contents[digest] = bytes
    let effects = [Target(repository: repository, kind: .blob, reference: digest): digest]
    let uploads = "/v2/\(repository)/blobs/uploads/"
    if way == .single, !isOld {
      try send("POST", "\(uploads)?digest=\(digest)", body: bytes, expecting: 201, effects)
      return digest
    }
    let announced = algorithm == .sha256 ? "" : "?digest-algorithm=\(algorithm.rawValue)"
    var answer = try send("POST", uploads + announced, expecting: 202)
    var rest = bytes[...]
    if way == .chunks {
      for piece in [bytes.count / 3, bytes.count / 4] {
        answer = try send("PATCH", at(answer), body: Array(rest.prefix(piece)), expecting: 202)
        rest = rest.dropFirst(piece)
      }
    } else if way == .chunked {
      let chunks = [Array(bytes.prefix(7)), Array(bytes.dropFirst(7))]
      answer = try send("PATCH", at(answer), chunks: chunks, expecting: 202)
      rest = []
    }
    try send("PUT", at(answer).adding("digest=\(digest)"), body: Array(rest), expecting: 201, effects)
    return digest
  }

  func mount(_ digest: String, from source: String, into repository: String) throws {
    let effects = [Target(repository: repository, kind: .blob, reference: digest): digest]
    try send(
      "POST", "/v2/\(repository)/blobs/uploads/?mount=\(digest)&from=\(source)", expecting: 201, effects)
  }

  /// Pushes an image of blobs that are there, under each of the tags in turn. Returns the manifest's digest.
  @discardableResult
  func put(
    _ blobs: [String], to repository: String, tags: [String], _ algorithm: Algorithm = .sha256
  ) throws -> String {
    let descriptors = blobs.map {
      #"{"mediaType":"\#(Media.dockerLayer)","digest":"\#($0)","size":\#(log.contents[$0]?.count ?? 0)}"#
    }
    let config = descriptors[0].replacing(Media.dockerLayer, with: Media.dockerConfig)
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(Media.dockerImage)","config":\#(config),"#
      + #""layers":[\#(descriptors.dropFirst().joined(separator: ","))],"x":"\#(repository) \#(log.deeds.count)"}"#
    let digest = algorithm.digest(text)
    log.contents[digest] = Array(text.utf8)
    for tag in tags.isEmpty ? [nil] : tags.map(Optional.some) {
      var effects = [Target(repository: repository, kind: .manifest, reference: digest): digest]
      if let tag { effects[Target(repository: repository, kind: .tag, reference: tag)] = digest }
      try send(
        "PUT", "/v2/\(repository)/manifests/\(tag ?? digest)", [("Content-Type", Media.dockerImage)],
        body: Array(text.utf8), expecting: 201, effects)
    }
    return digest
  }

  /// Deletes targets by asking for the first of them; the others go with it.
  func delete(_ targets: [Target]) throws {
    try send(
      "DELETE", targets[0].url, expecting: 202,
      Dictionary(uniqueKeysWithValues: targets.map { ($0, Ledger.absent) }))
  }

  @discardableResult
  private func send(
    _ method: String, _ target: String, _ fields: [Field] = [], body: [UInt8]? = nil, chunks: [[UInt8]]? = nil,
    expecting status: Int, _ effects: [Target: String] = [:]
  ) throws -> Response {
    var fields = fields
    if method == "PATCH" || method == "PUT", fields.isEmpty {
      fields.append(("Content-Type", "application/octet-stream"))
    }
    let answer = try client.send(method, target, fields, body: body, chunks: chunks)
    guard answer.status == status else { throw HarnessError("\(method) \(target): instead of \(status) \(answer)") }
    let what = "\(method) \(target.split(separator: "?")[0])"
    log.deeds.append(Deed(what: what, port: client.lastPort, status: status, effects: effects, phase: phase))
    if !effects.isEmpty { try send("GET", "/v2/", expecting: 200) }
    return answer
  }

  private func at(_ answer: Response) -> String { targetOf(answer["Location"] ?? "/") }
}
