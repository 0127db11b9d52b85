// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What clients of one scenario do: makes data ready at a target, and makes the workers of clients.
protocol Activity: Sendable {
  /// Has everything at the target that the workers ask for. Run once for each target, before the first round.
  func prepare(_ client: Client) async throws(LoadError)

  /// What one client does.
  func worker(_ client: Client) -> any Worker

  /// What ``prepare(_:)`` has at the target in the end, as far as it can be written to a directory beforehand.
  func contents() -> [ContentPiece]
}

extension Activity {
  func contents() -> [ContentPiece] { [] }
}

/// What one client does again and again. Belongs to the client's loop.
protocol Worker: AnyObject {
  /// One operation: what a latency is taken of.
  func operate() async throws(LoadError)

  /// Called after the last operation, when nothing is measured any more.
  func finish() async
}

extension Worker {
  func finish() async {}
}

extension ScenarioSpec {
  /// What its clients do. `run` makes what is pushed unlike what another run pushed.
  func activity(seed: UInt64, run: UInt64) -> any Activity {
    switch kind {
    case .get: PathGet(path: path)
    case .manifestGet, .manifestHead: ManifestGet(self, seed: seed)
    case .blobGet: BlobGet(self, seed: seed)
    case .imagePull, .herd: ImagePull(self, seed: seed)
    case .push, .pushChunked, .pushResumed: BlobPush(self, seed: seed, run: run)
    case .imagePush: ImagePush(self, seed: seed, run: run)
    case .retag: Retag(self, seed: seed)
    case .tagList: TagList(self, seed: seed)
    case .catalog: Catalog(self, seed: seed)
    case .openUploads: OpenUploads(self)
    case .idleConnections: IdleConnections()
    case .mixed: Mixed(self, seed: seed, run: run)
    }
  }
}
