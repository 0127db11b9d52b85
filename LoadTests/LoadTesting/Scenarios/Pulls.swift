// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// GET of one path.
struct PathGet: Activity {
  let path: String

  /// Shows whether there is an answer at all.
  func prepare(_ client: Client) async throws(LoadError) { try await client.send(request(client)) }

  func worker(_ client: Client) -> any Worker { RequestWorker(client, [(request(client), .drop)]) }

  private func request(_ client: Client) -> Request { Request("GET", client.site.endpoint.url.path + path) }
}

/// Sends requests by turns, each with what becomes of its body.
final class RequestWorker: Worker {
  private let client: Client
  private let requests: [(Request, Sink)]
  private var next: Int

  init(_ client: Client, _ requests: [(Request, Sink)]) {
    (self.client, self.requests) = (client, requests)
    next = client.index % requests.count
  }

  func operate() async throws(LoadError) {
    let (request, sink) = requests[next]
    next = next + 1 == requests.count ? 0 : next + 1
    try await client.send(request, into: sink)
  }

  /// Operates until the time is over, without a task's part in answers that are as usual; records by itself. Returns
  /// early where the connection is none that this can be done with.
  func operateSteadily(until: UInt64) async throws(LoadError) {
    guard client.connection.isConnected, let socket = client.connection.plainSocket else { return }
    let recorder = client.lane.recorder
    let steady = SteadyLoop(client, requests, until: until)
    let (request, sink, began, sent): (Request, Sink, UInt64, Int?)
    switch await steady.run(over: socket) {
    case .over:
      client.connection.rest()
      return
    case .unusual(let one, let two, let three): (request, sink, began, sent) = (one, two, three, nil)
    case .unsent(let one, let two, let three, let four): (request, sink, began, sent) = (one, two, three, four)
    }
    try await client.resume(request, sent: sent, into: sink)
    recorder.succeeded(began: began, ended: client.lane.now)
  }
}

/// GET or HEAD of manifests.
struct ManifestGet: Activity {
  private let spec: ScenarioSpec
  private let images: [ImageData]

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    let mould = BlobMould(size: 512, seed: seed)
    images = (0..<spec.count).map {
      ImageData(
        number: UInt64($0), seed: seed, layers: Array(repeating: mould, count: spec.layers),
        manifestBytes: spec.manifestSize)
    }
  }

  func prepare(_ client: Client) async throws(LoadError) {
    for (index, image) in images.enumerated() {
      try await Pushing(client, spec.repository).ensure(image, tag: "image-\(index)")
    }
  }

  func contents() -> [ContentPiece] {
    images.enumerated().flatMap { $0.element.contents(spec.repository, tags: ["image-\($0.offset)"]) }
  }

  func worker(_ client: Client) -> any Worker {
    let method = spec.kind == .manifestHead ? "HEAD" : "GET"
    let requests = images.enumerated().flatMap { index, image -> [(Request, Sink)] in
      let references =
        switch spec.by {
        case .tag: ["image-\(index)"]
        case .digest: [image.manifestName]
        case .both: ["image-\(index)", image.manifestName]
        }
      return references.map { reference in
        let request = Request(
          method, client.path("\(spec.repository)/manifests/\(reference)"),
          fields: [("Accept", ImageData.mediaType)], scope: "repository:\(spec.repository):pull")
        return (request, spec.verify && method == "GET" ? .verify(digest: image.manifestDigest) : .drop)
      }
    }
    return RequestWorker(client, requests)
  }
}

/// GET of blobs.
struct BlobGet: Activity {
  private let spec: ScenarioSpec
  private let blobs: [BlobData]

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    let mould = BlobMould(size: spec.size, seed: seed)
    blobs = (0..<spec.count).map { mould.blob(UInt64($0), run: seed) }
  }

  func prepare(_ client: Client) async throws(LoadError) {
    for blob in blobs { try await Pushing(client, spec.repository).ensure(blob) }
  }

  func contents() -> [ContentPiece] {
    blobs.map { blob in .blob(repository: spec.repository, name: blob.name, bytes: { blob.bytes }) }
  }

  func worker(_ client: Client) -> any Worker {
    RequestWorker(
      client,
      blobs.map { blob in
        let request = Request(
          "GET", client.path("\(spec.repository)/blobs/\(blob.name)"), scope: "repository:\(spec.repository):pull")
        return (request, spec.verify ? .verify(digest: blob.digest) : .drop)
      })
  }
}

/// Pull of whole images over several connections each, as docker does it.
struct ImagePull: Activity {
  private let spec: ScenarioSpec
  private let images: [ImageData]

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    let mould = BlobMould(size: spec.size, seed: seed)
    images = (0..<spec.count).map {
      ImageData(
        number: UInt64($0) &+ 1 << 20, seed: seed, layers: Array(repeating: mould, count: spec.layers),
        manifestBytes: spec.manifestSize)
    }
  }

  func prepare(_ client: Client) async throws(LoadError) {
    for (index, image) in images.enumerated() {
      try await Pushing(client, spec.repository).ensure(image, tag: "pull-\(index)")
    }
  }

  func contents() -> [ContentPiece] {
    images.enumerated().flatMap { $0.element.contents(spec.repository, tags: ["pull-\($0.offset)"]) }
  }

  func worker(_ client: Client) -> any Worker { PullWorker(client, spec, images) }
}

/// One client that pulls images.
final class PullWorker: Worker, @unchecked Sendable {
  // Safe because: touched on its client's loop only; the tasks of a pull share it there.

  private let client: Client
  private let spec: ScenarioSpec
  private let images: [ImageData]
  private let connections: [Connection]
  private var next: Int
  private var queue: [(Request, Sink)] = []

  init(_ client: Client, _ spec: ScenarioSpec, _ images: [ImageData]) {
    (self.client, self.spec, self.images) = (client, spec, images)
    connections = (0..<max(1, spec.parallel)).map { $0 == 0 ? client.connection : client.another() }
    next = client.index % images.count
  }

  func operate() async throws(LoadError) {
    let image = images[next]
    let manifest = request("manifests/pull-\(next)", accept: ImageData.mediaType)
    next = (next + 1) % images.count
    if spec.kind == .herd { for connection in connections { connection.close() } }
    try await client.send(manifest, into: spec.verify ? .verify(digest: image.manifestDigest) : .drop)
    queue = ([(image.configName, image.configDigest)] + image.layers.map { ($0.name, $0.digest) }).map { name, digest in
      (request("blobs/\(name)", accept: nil), spec.verify ? .verify(digest: digest) : .drop)
    }
    let failures = await withTaskGroup(of: LoadError?.self) { group in
      for connection in connections.prefix(queue.count) {
        group.addTask { [self] in await drain(over: connection) }
      }
      var failures: [LoadError] = []
      for await failure in group { if let failure { failures.append(failure) } }
      return failures
    }
    if let failure = failures.first { throw failure }
  }

  private func drain(over connection: Connection) async -> LoadError? {
    while let (request, sink) = queue.popLast() {
      do throws(LoadError) {
        try await client.send(request, .none, into: sink, over: connection)
      } catch {
        queue = []
        return error
      }
    }
    return nil
  }

  private func request(_ rest: String, accept: String?) -> Request {
    Request(
      "GET", client.path("\(spec.repository)/\(rest)"), fields: accept.map { [("Accept", $0)] } ?? [],
      scope: "repository:\(spec.repository):pull")
  }
}
