// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryCryptography
import GantryHTTPService
import GantryHTTPWire
import GantryLimiting
import GantryMemoryStorage
import GantryOCI
import GantryRegistry
import GantryRegistryAPI
import GantryStorage
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Logging

/// The endpoints over the storage in memory, on a simulated world: requests are values, no port is opened.
final class Bench {
  static let secret = Array("a secret for tests".utf8)

  let simulation: SimulatedWorld
  let storage: any StorageEngine
  let service: RegistryService
  let api: RegistryAPI
  /// Sent with each request that has no Authorization field of its own.
  var authorization: String?
  /// How many requests were sent; the low half of the last one's id.
  private(set) var sent: UInt64 = 0
  /// Whether the last answer was given at once, without a task.
  private(set) var wasAnsweredAtOnce = false
  /// What is in force about access; tests may replace it.
  let accessSource: AccessSource

  init(
    seed: UInt64 = 1, policy: RegistryPolicy = RegistryPolicy(allowsDeletion: true), settings: APISettings? = nil,
    storage: (any StorageEngine)? = nil, limiter: RequestLimiter? = nil,
    access: (World) -> AccessControl? = { _ in nil },
    logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, accessLog: AccessLog? = nil,
    observation: Observation = Observation()
  ) {
    simulation = SimulatedWorld(seed: seed, loops: 2)
    let storage = storage ?? MemoryStorage(clock: simulation.world.clock)
    self.storage = storage
    service = RegistryService(world: simulation.world, storage: storage, policy: policy)
    accessSource = AccessSource(access(simulation.world))
    api = RegistryAPI(
      service: service, loop: simulation.world.loops[0], settings: settings ?? APISettings(secret: Self.secret),
      access: accessSource, limiter: limiter, logger: logger, accessLog: accessLog, observation: observation)
  }

  /// Sends a request and waits for the whole answer. Without Content-Length in `fields`, and unless it is `chunked`,
  /// the length of the body is announced.
  func send(
    _ method: String, _ target: String, _ fields: KeyValuePairs<String, String> = [:], body: [UInt8]? = nil,
    chunked: Bool = false, ending: BodyError? = nil, isSecure: Bool = false, peer: String = "192.0.2.1",
    certificate clientNames: [String] = [], staysOpen: Bool = false
  ) -> Reply {
    var all = fields.map { ($0.key, $0.value) }
    if !all.contains(where: { $0.0 == "Host" }) { all.append(("Host", "registry.test:5000")) }
    if let authorization, !all.contains(where: { $0.0 == "Authorization" }) {
      all.append(("Authorization", authorization))
    }
    if let body { all.append(chunked ? ("Transfer-Encoding", "chunked") : ("Content-Length", "\(body.count)")) }
    let text = all.map { "\($0.0): \($0.1)\r\n" }.joined()
    let bytes = Array("\(method) \(target) HTTP/1.1\r\n\(text)\r\n".utf8)
    let (api, simulation) = (api, simulation)
    sent += 1
    let number = sent
    let (reply, isFast) = simulation.run {
      var parser = RequestParser(limits: WireLimits())
      guard case .head(let head, _) = parser.parse(bytes, from: 0) else {
        preconditionFailure("a test sends a well-formed head: \(method) \(target)")
      }
      let stream = body.map { FakeBody($0, announced: !chunked, ending: ending) }
      let id = RequestID(high: 1, low: number)
      let request = Request(
        head: head, body: stream, peer: PeerAddress(host: peer, port: 40000),
        security: isSecure || !clientNames.isEmpty
          ? StreamSecurity(version: .tls13, cipherSuite: "TLS_AES_128_GCM_SHA256", clientNames: clientNames) : nil,
        id: id)
      // As the server does.
      let atOnce = api.respondAtOnce(to: request)
      let response = if let atOnce { atOnce } else { await api.respond(to: request) }
      if !staysOpen {
        api.finished(
          ResponseOutcome(
            head: head, peer: request.peer, requestID: id, status: response.status, bytesSent: 0, duration: .zero,
            isComplete: true))
      }
      return (Reply(response), atOnce != nil)
    }
    wasAnsweredAtOnce = isFast
    return reply
  }

  /// Pushes a blob by POST and PUT; returns its digest.
  @discardableResult
  func pushBlob(_ bytes: [UInt8], to name: String, _ algorithm: DigestAlgorithm = .sha256) -> Digest {
    let digest = Self.digest(of: bytes, algorithm)
    let start = send("POST", "/v2/\(name)/blobs/uploads/")
    let end = send("PUT", "\(start.location)&digest=\(digest)", body: bytes)
    precondition(end.status == 201, "a blob is pushed, found \(end.status) \(end.text)")
    return digest
  }

  /// Pushes an image of one config and one layer; returns the manifest's bytes and digest.
  @discardableResult
  func pushImage(
    _ salt: String = "", to name: String, as reference: String = "latest", subject: Digest? = nil,
    artifactType: String? = nil
  ) -> (bytes: [UInt8], digest: Digest) {
    let config = pushBlob(Array("{}".utf8), to: name)
    let layer = pushBlob(Array("layer\(salt)".utf8), to: name)
    var text = "{\"schemaVersion\":2,\"mediaType\":\"\(MediaType.ociManifest)\","
    if let artifactType { text += "\"artifactType\":\"\(artifactType)\"," }
    text += "\"config\":{\"mediaType\":\"\(MediaType.ociConfig)\",\"digest\":\"\(config)\",\"size\":2},"
    text +=
      "\"layers\":[{\"mediaType\":\"\(MediaType.ociLayer)\",\"digest\":\"\(layer)\",\"size\":\(5 + salt.utf8.count)}]"
    if let subject {
      text += ",\"subject\":{\"mediaType\":\"\(MediaType.ociManifest)\",\"digest\":\"\(subject)\",\"size\":7}"
    }
    text += "}"
    let bytes = Array(text.utf8)
    let digest = Self.digest(of: bytes)
    let reply = send(
      "PUT", "/v2/\(name)/manifests/\(reference == "@" ? digest.description : reference)",
      ["Content-Type": MediaType.ociManifest.text], body: bytes)
    precondition(reply.status == 201, "an image is pushed, found \(reply.status) \(reply.text)")
    return (bytes, digest)
  }

  static func digest(of bytes: [UInt8], _ algorithm: DigestAlgorithm = .sha256) -> Digest {
    Digest(
      algorithm: algorithm,
      bytes: GantryCryptography.digest(bytes, algorithm == .sha256 ? .sha256 : .sha512))
  }
}

/// An answer, read to its end.
struct Reply: Sendable {
  let status: Int
  let fields: Fields
  let body: [UInt8]
  let closes: Bool

  init(_ response: Response) {
    status = Int(response.status.code)
    fields = response.fields
    closes = response.closesConnection
    switch response.body {
    case .empty: body = []
    case .bytes(let bytes): body = bytes
    case .file, .stream: preconditionFailure("the storage in memory has neither files nor streams")
    case .pieces(let pieces):
      body = pieces.flatMap { piece -> [UInt8] in
        switch piece {
        case .bytes(let bytes): bytes
        case .slice(let bytes, let range): Array(bytes[range])
        case .file: preconditionFailure("the storage in memory has no files")
        }
      }
    }
  }

  subscript(_ name: String) -> String? { fields.first(name) }

  /// All values of a field.
  func all(_ name: String) -> [String] {
    fields.filter { String(decoding: $0.name, as: UTF8.self).lowercased() == name.lowercased() }
      .map { String(decoding: $0.value, as: UTF8.self) }
  }

  var text: String { String(decoding: body, as: UTF8.self) }

  /// Path and query of the Location.
  var location: String {
    guard let location = self["Location"] else { preconditionFailure("no Location in \(status) \(text)") }
    guard let scheme = location.range(of: "://") else { return location }
    let rest = location[scheme.upperBound...]
    return String(rest[(rest.firstIndex(of: "/") ?? rest.endIndex)...])
  }

  /// The code of the first error.
  var code: String? {
    guard let start = text.range(of: "\"code\":\"") else { return nil }
    return String(text[start.upperBound...].prefix { $0 != "\"" })
  }
}

extension String {
  /// Where `other` first stands in this text.
  func range(of other: String) -> Range<String.Index>? { firstRange(of: other) }
}

/// A body whose bytes are all there, in pieces of the reader's asking.
final class FakeBody: RequestBody {
  let announcedLength: UInt64?
  private var rest: ArraySlice<UInt8>
  private let ending: BodyError?

  init(_ bytes: [UInt8], announced: Bool, ending: BodyError?) {
    announcedLength = announced ? UInt64(bytes.count) : nil
    rest = bytes[...]
    self.ending = ending
  }

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(BodyError) -> Bool {
    guard !rest.isEmpty else {
      if let ending { throw ending }
      return false
    }
    let piece = rest.prefix(limit)
    buffer.append(contentsOf: piece)
    rest = rest.dropFirst(piece.count)
    return true
  }
}
