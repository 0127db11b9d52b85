// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Media types that the tests push.
enum Media {
  static let image = "application/vnd.oci.image.manifest.v1+json"
  static let index = "application/vnd.oci.image.index.v1+json"
  static let config = "application/vnd.oci.image.config.v1+json"
  static let layer = "application/vnd.oci.image.layer.v1.tar+gzip"
  static let empty = "application/vnd.oci.empty.v1+json"
  static let dockerImage = "application/vnd.docker.distribution.manifest.v2+json"
  static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
  static let dockerConfig = "application/vnd.docker.container.image.v1+json"
  static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
}

/// Something that a manifest points at.
struct Content {
  let mediaType: String
  let bytes: [UInt8]
  let digest: String

  init(_ mediaType: String, _ bytes: [UInt8], _ algorithm: Algorithm) {
    self.mediaType = mediaType
    self.bytes = bytes
    digest = algorithm.digest(bytes)
  }

  var descriptor: String { #"{"mediaType":"\#(mediaType)","digest":"\#(digest)","size":\#(bytes.count)}"# }
}

/// One repository of its own to try things in, with the pushes and expectations that every test needs.
struct Bench {
  let client: HTTPClient
  let algorithm: Algorithm
  /// The repository.
  let name: String
  let registry: RegistryProcess

  /// A bench in the suite's registry; `purpose` becomes part of the repository's name.
  init(_ purpose: String, _ algorithm: Algorithm = .sha256, registry: RegistryProcess? = nil) throws {
    let registry = try registry ?? .current
    self.registry = registry
    client = HTTPClient(registry.endpoint)
    self.algorithm = algorithm
    let plain = purpose.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "-" }.joined()
    name = "bench/\(plain)-\(algorithm.rawValue)-x\(UInt32.random(in: 0 ... .max))"
  }

  var uploads: String { "/v2/\(name)/blobs/uploads/" }

  func blob(_ digest: String) -> String { "/v2/\(name)/blobs/\(digest)" }

  func manifest(_ reference: String) -> String { "/v2/\(name)/manifests/\(reference)" }

  /// Opens an upload and returns its Location as a target.
  func startUpload(_ query: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    // An algorithm other than sha256 is announced, as the specification asks of clients.
    let announced = query.isEmpty && algorithm != .sha256 ? "?digest-algorithm=\(algorithm.rawValue)" : query
    let response = try client.send("POST", uploads + announced)
    expect(response, 202, sourceLocation: sourceLocation)
    return try target(of: response)
  }

  /// The Location of an answer as a request target.
  func target(of response: Response) throws -> String {
    guard let location = response["Location"] else { throw HarnessError("no Location: \(response)") }
    return targetOf(location)
  }

  /// Pushes a blob by POST and PUT and returns its digest.
  @discardableResult
  func push(_ bytes: [UInt8], to repository: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws
    -> String
  {
    let digest = algorithm.digest(bytes)
    let begun = try client.send("POST", "/v2/\(repository ?? name)/blobs/uploads/")
    expect(begun, 202, sourceLocation: sourceLocation)
    let done = try client.send(
      "PUT", try target(of: begun).adding("digest=\(digest)"), [("Content-Type", "application/octet-stream")],
      body: bytes)
    expect(done, 201, sourceLocation: sourceLocation)
    return digest
  }

  /// Pushes what a small image needs, and returns its manifest's bytes; `seed` makes it differ.
  func image(
    seed: UInt64 = 1, subject: Content? = nil, artifactType: String? = nil, annotations: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Content {
    let config = Content(Media.config, Array(#"{"architecture":"amd64","os":"linux","seed":\#(seed)}"#.utf8), algorithm)
    let layer = Content(Media.layer, someBytes(1000, seed: seed), algorithm)
    try push(config.bytes, sourceLocation: sourceLocation)
    try push(layer.bytes, sourceLocation: sourceLocation)
    return imageManifest(
      config: config, layers: [layer], subject: subject, artifactType: artifactType, annotations: annotations)
  }

  /// A manifest's bytes; pushes nothing.
  func imageManifest(
    config: Content, layers: [Content], subject: Content? = nil, artifactType: String? = nil,
    annotations: [String: String] = [:], extra: String = ""
  ) -> Content {
    var text = #"{"schemaVersion":2,"mediaType":"\#(Media.image)""#
    if let artifactType { text += #","artifactType":"\#(artifactType)""# }
    text += #","config":\#(config.descriptor),"layers":[\#(layers.map(\.descriptor).joined(separator: ","))]"#
    if let subject { text += #","subject":\#(subject.descriptor)"# }
    if !annotations.isEmpty {
      let members = annotations.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
      text += #","annotations":{\#(members.joined(separator: ","))}"#
    }
    return Content(Media.image, Array((text + extra + "}").utf8), algorithm)
  }

  /// An index of manifests; pushes nothing.
  func indexManifest(_ manifests: [Content], subject: Content? = nil, extra: String = "") -> Content {
    var text = #"{"schemaVersion":2,"mediaType":"\#(Media.index)","manifests":["#
    text += manifests.map(\.descriptor).joined(separator: ",") + "]"
    if let subject { text += #","subject":\#(subject.descriptor)"# }
    return Content(Media.index, Array((text + extra + "}").utf8), algorithm)
  }

  /// Puts a manifest under a tag, or under its digest.
  @discardableResult
  func put(
    _ manifest: Content, as reference: String? = nil, _ fields: [Field] = [], status: Int = 201,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Response {
    let response = try client.send(
      "PUT", self.manifest(reference ?? manifest.digest), [("Content-Type", manifest.mediaType)] + fields,
      body: manifest.bytes)
    expect(response, status, sourceLocation: sourceLocation)
    return response
  }

  /// Expects a GET to give exactly the bytes under their own digest.
  func expectContent(_ target: String, _ content: Content, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let response = try client.send("GET", target)
    expect(response, 200, sourceLocation: sourceLocation)
    expectSame(response.body, content.bytes, "the bytes differ: \(target)", sourceLocation: sourceLocation)
    #expect(response["Docker-Content-Digest"] == content.digest, sourceLocation: sourceLocation)
  }

  /// The tags of the repository as the list says.
  func tags(_ query: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
    let response = try client.send("GET", "/v2/\(name)/tags/list\(query)")
    expect(response, 200, sourceLocation: sourceLocation)
    return try response.json()["tags"]?.texts ?? []
  }
}

/// The path and query of a Location, absolute or relative.
func targetOf(_ location: String) -> String {
  guard let scheme = location.firstRange(of: "://") else { return location }
  let rest = location[scheme.upperBound...]
  return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
}

extension String {
  /// The target with one more query item.
  func adding(_ item: String) -> String { contains("?") ? "\(self)&\(item)" : "\(self)?\(item)" }
}

/// Expects a status, and shows the whole answer when it is another.
func expect(_ response: Response, _ statuses: Int..., sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(statuses.contains(response.status), "\(response)", sourceLocation: sourceLocation)
}

/// Expects an error document: the status, the code of its first error, and texts that name what was wrong.
func expectError(
  _ response: Response, _ statuses: [Int], _ codes: [String], naming parts: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(statuses.contains(response.status), "\(response)", sourceLocation: sourceLocation)
  #expect(
    response.codes.first.map(codes.contains) == true, "expected one of \(codes): \(response)",
    sourceLocation: sourceLocation)
  #expect(
    response["Content-Type"]?.hasPrefix("application/json") == true, "\(response)", sourceLocation: sourceLocation)
  for part in parts {
    #expect(response.text.contains(part), "\(part) is not named: \(response)", sourceLocation: sourceLocation)
  }
}

/// Expects the very bytes. Says sizes and the first difference, where an expectation would list every byte.
func expectSame(
  _ bytes: [UInt8], _ expected: [UInt8], _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  if bytes == expected { return }
  let difference = zip(bytes, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
  let at = difference ?? min(bytes.count, expected.count)
  Issue.record(
    "\(what) \(bytes.count) bytes instead of \(expected.count), different from byte \(at): \(String(decoding: bytes.prefix(200), as: UTF8.self))",
    sourceLocation: sourceLocation)
}
