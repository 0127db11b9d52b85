// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryHTTPService
import GantryHTTPWire
import GantryRegistry
import GantryRegistryAPI
import GantryServer
import GantryStorage
import GantryTestKit
import GantryWorld
import Logging
import Synchronization

/// One registry process of a simulated world, put together as the composition root does it.
final class SimulatedRegistry: Sendable {
  enum Phase: Equatable {
    case starting
    case serving
    case failed(String)
    case stopped
    case dead
  }

  private struct Parts: Sendable {
    let server: HTTPServer
    let service: RegistryService
    let serving: LoopTask
    let storage: any StorageEngine
  }

  let process: SimulatedProcess
  let address: ListenAddress
  private let state: Mutex<(phase: Phase, parts: Parts?)>

  /// A registry that starts once the world goes on.
  init(
    in simulated: SimulatedWorld, machine: Int, address: ListenAddress, bug: PlantedBug?, purging: UploadPurging?,
    checkpointInterval: Duration, uploadSyncBytes: UInt64
  ) {
    process = simulated.startProcess(loops: 2, machine: machine)
    self.address = address
    state = Mutex((.starting, nil))
    let network = simulated.network
    spawn(on: process.loops[0]) { [self] in
      do {
        try await start(
          network: network, bug: bug, purging: purging, checkpointInterval: checkpointInterval,
          uploadSyncBytes: uploadSyncBytes)
      } catch {
        state.withLock { if $0.phase == .starting { $0.phase = .failed("\(error)") } }
      }
    }
  }

  var phase: Phase { state.withLock { $0.phase } }

  private func start(
    network: SimulatedNetwork, bug: PlantedBug?, purging: UploadPurging?, checkpointInterval: Duration,
    uploadSyncBytes: UInt64
  ) async throws {
    var world = process.world
    if bug == .refusesToStart, process.id > 3 { throw BugWasPlanted() }
    if let bug {
      world = World(
        loops: world.loops, workers: world.workers, files: FaultyFiles(world.files, bug: bug), entropy: world.entropy,
        clock: world.clock)
    }
    var storage: any StorageEngine = FilesystemStorage(
      root: "/registry", world: world, uploadSyncBytes: uploadSyncBytes, checkpointInterval: checkpointInterval
    ) { _ in }
    if let bug { storage = FaultyStorage(storage, bug: bug, loop: process.loops[0]) }
    try await storage.start()
    let secret = try await storage.secret(named: "http", fresh: world.entropy.bytes(32))
    let policy = RegistryPolicy(allowsDeletion: true, purging: purging)
    let service = RegistryService(world: world, storage: storage, policy: policy)
    let listener = try network.listen(at: address, on: process.loops[0])
    let settings = APISettings(usesRelativeURLs: true, secret: secret)
    let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    let server = HTTPServer(
      world: world, listeners: [listener], limits: ServerLimits(),
      responder: { loop in
        let api = RegistryAPI(service: service, loop: loop, settings: settings, logger: logger)
        return bug == .forgetsRetryAfter ? ForgetfulResponder(base: api) : api
      },
      report: { _ in })
    await service.start()
    let serving = spawn(on: process.loops[0]) { await server.serve() }
    state.withLock { $0 = (.serving, Parts(server: server, service: service, serving: serving, storage: storage)) }
  }

  /// Ends the process at once.
  func kill() {
    let parts = state.withLock { state -> Parts? in
      defer { state = (.dead, nil) }
      return state.parts
    }
    process.kill()
    _ = parts
  }

  /// Stops as SIGTERM does; it has stopped when the phase says so.
  func stop() {
    spawn(on: process.loops[0]) { [self] in
      guard let parts = state.withLock({ $0.parts }) else { return }
      await parts.server.drain(within: .seconds(5))
      await parts.serving.value
      await parts.service.stop()
      do throws(StorageError) {
        try await parts.storage.stop()
      } catch {
        // What could not be made durable in place stays in the journal.
      }
      state.withLock { $0 = (.stopped, nil) }
    }
  }
}

private struct BugWasPlanted: Error {}

/// An API that does not say when to come back.
private struct ForgetfulResponder: RequestResponder {
  let base: any RequestResponder

  func respond(to request: Request) async -> Response { Self.spoil(await base.respond(to: request)) }
  func respondAtOnce(to request: Request) -> Response? { base.respondAtOnce(to: request).map(Self.spoil) }
  func mayUseFile(_ head: RequestHead) -> Bool { base.mayUseFile(head) }

  func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> Response {
    base.respond(toMalformed: error, from: peer, id: id)
  }

  func finished(_ outcome: ResponseOutcome) { base.finished(outcome) }

  private static func spoil(_ response: Response) -> Response {
    response.status.code < 500 ? response : Response(status: response.status, body: response.body)
  }
}
