// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Uploads that are opened and left open.
struct OpenUploads: Activity {
  private let spec: ScenarioSpec

  init(_ spec: ScenarioSpec) { self.spec = spec }

  func prepare(_ client: Client) async throws(LoadError) {
    guard client.site.target.isStatic else { return }
    throw LoadError(.protocol, "\(client.site.target.name) serves static files: nothing can be pushed to it")
  }

  func worker(_ client: Client) -> any Worker { UploadHolder(client, spec) }

  private final class UploadHolder: Worker {
    private let client: Client
    private let pushing: Pushing
    private let share: Int
    private var open: [String] = []

    init(_ client: Client, _ spec: ScenarioSpec) {
      self.client = client
      pushing = Pushing(client, spec.repository)
      share = spec.count / spec.clients + (client.index < spec.count % spec.clients ? 1 : 0)
    }

    func operate() async throws(LoadError) {
      for _ in 0..<share { open.append(try await pushing.begin()) }
    }

    func finish() async {
      // An upload that is not known any more was not held, whatever its POST was answered.
      var held = 0
      for path in open where await pushing.cancel(path) { held += 1 }
      client.lane.recorder.held(held)
    }
  }
}

/// Connections that are made, used once, and kept.
struct IdleConnections: Activity {
  func prepare(_ client: Client) async throws(LoadError) { try await client.send(request(client)) }

  func worker(_ client: Client) -> any Worker { ConnectionHolder(client, request(client)) }

  private final class ConnectionHolder: Worker {
    private let client: Client
    private let request: Request

    init(_ client: Client, _ request: Request) { (self.client, self.request) = (client, request) }

    func operate() async throws(LoadError) { try await client.send(request) }

    func finish() async {
      if client.connection.isAtRest { client.lane.recorder.held(1) }
    }
  }

  private func request(_ client: Client) -> Request {
    Request("GET", client.path(""), statuses: client.site.target.isStatic ? [200, 403, 404] : [200])
  }
}

/// Several kinds at once: each operation is one of them, by weight.
struct Mixed: Activity {
  private let parts: [(weight: Int, activity: any Activity)]

  init(_ spec: ScenarioSpec, seed: UInt64, run: UInt64) {
    parts = spec.mix.enumerated().map { index, part in
      (part.weight, part.spec.activity(seed: seed &+ UInt64(index), run: run))
    }
  }

  func prepare(_ client: Client) async throws(LoadError) {
    for part in parts { try await part.activity.prepare(client) }
  }

  func contents() -> [ContentPiece] { parts.flatMap { $0.activity.contents() } }

  func worker(_ client: Client) -> any Worker {
    MixedWorker(client, parts.map { ($0.weight, $0.activity.worker(client)) })
  }

  private final class MixedWorker: Worker {
    private let client: Client
    private let parts: [(weight: Int, worker: any Worker)]
    private let total: UInt64

    init(_ client: Client, _ parts: [(weight: Int, worker: any Worker)]) {
      (self.client, self.parts) = (client, parts)
      total = UInt64(parts.reduce(0) { $0 + $1.weight })
    }

    func operate() async throws(LoadError) {
      var choice = Int(client.random.next() % total)
      for part in parts {
        if choice < part.weight { return try await part.worker.operate() }
        choice -= part.weight
      }
    }

    func finish() async {
      for part in parts { await part.worker.finish() }
    }
  }
}
