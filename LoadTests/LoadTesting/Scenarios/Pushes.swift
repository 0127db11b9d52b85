// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import Synchronization

/// Numbers that no two clients get: what makes pushed blobs unlike each other.
final class Counter: Sendable {
  private let value = Atomic<UInt64>(0)

  func next() -> UInt64 { value.add(1, ordering: .relaxed).newValue }
}

/// Push of blobs: whole, in chunks, or cut and resumed.
struct BlobPush: Activity {
  private let spec: ScenarioSpec
  private let mould: BlobMould
  private let counter = Counter()
  private let run: UInt64

  init(_ spec: ScenarioSpec, seed: UInt64, run: UInt64) {
    self.spec = spec
    mould = BlobMould(size: spec.size, seed: seed)
    self.run = run &* 0xff51_afd7_ed55_8ccd &+ UInt64(spec.size)
  }

  /// A push of one blob that is not measured: it shows whether pushing works at all.
  func prepare(_ client: Client) async throws(LoadError) {
    guard !client.site.target.isStatic else {
      throw LoadError(.protocol, "\(client.site.target.name) serves static files: nothing can be pushed to it")
    }
    let small = BlobMould(size: 64, seed: run)
    try await Pushing(client, spec.repository(of: client)).push(small.blob(counter.next(), run: run))
  }

  func worker(_ client: Client) -> any Worker {
    PushWorker(client, spec) { [mould, counter, run] in mould.blob(counter.next(), run: run) }
  }
}

extension ScenarioSpec {
  /// The repository that a client writes to, where there are several.
  func repository(of client: Client) -> String {
    repositories <= 1 ? repository : "\(repository)-\(client.index % repositories)"
  }
}

/// One client that pushes blobs.
final class PushWorker: Worker {
  private let client: Client
  private let spec: ScenarioSpec
  private let blob: @Sendable () -> BlobData
  private let pushing: Pushing

  init(_ client: Client, _ spec: ScenarioSpec, _ blob: @escaping @Sendable () -> BlobData) {
    (self.client, self.spec, self.blob) = (client, spec, blob)
    pushing = Pushing(client, spec.repository(of: client))
  }

  func operate() async throws(LoadError) {
    let blob = blob()
    switch spec.kind {
    case .pushChunked: try await pushChunked(blob)
    case .pushResumed: try await pushResumed(blob)
    default: try await pushing.push(blob)
    }
  }

  private func pushChunked(_ blob: BlobData) async throws(LoadError) {
    var path = try await pushing.begin()
    var offset = 0
    while offset < blob.count {
      let count = min(spec.chunk, blob.count - offset)
      path = try await pushing.patch(path, blob, from: offset, count: count)
      offset += count
    }
    try await pushing.end(path, blob, from: offset)
  }

  private func pushResumed(_ blob: BlobData) async throws(LoadError) {
    var path = try await pushing.begin()
    var offset = 0
    var cutsLeft = spec.cuts
    while offset < blob.count {
      let count = min(spec.chunk, blob.count - offset)
      if cutsLeft > 0, count > 2, client.random.next() % UInt64(max(1, blob.count / spec.chunk)) < UInt64(spec.cuts) {
        cutsLeft -= 1
        let cut = 2 + Int(client.random.next() % UInt64(count - 2))
        try await pushing.cutPatch(path, blob, from: offset, count: count, after: cut)
        (offset, path) = try await settled(path, offset...(offset + cut))
        continue
      }
      path = try await pushing.patch(path, blob, from: offset, count: count)
      offset += count
    }
    try await pushing.end(path, blob, from: offset)
  }

  /// Where the server is after a cut. It may still be taking what arrived before it noticed, so two answers in a row
  /// have to agree. It may have lost nothing that it had acknowledged, and can have nothing that was never sent.
  private func settled(_ path: String, _ possible: ClosedRange<Int>) async throws(LoadError) -> (Int, String) {
    var last: (bytes: Int, path: String) = (-1, path)
    var refusal = ""
    for _ in 0..<200 {
      do throws(LoadError) {
        let now = try await pushing.status(last.path)
        if now.bytes == last.bytes {
          guard possible.contains(now.bytes) else {
            throw LoadError(
              .protocol,
              "\(client.site.target.name): after a cut an upload is at \(now.bytes) bytes, which must be from"
                + " \(possible.lowerBound), acknowledged before, to \(possible.upperBound), sent since")
          }
          return (now.bytes, now.path)
        }
        last = now
      } catch {
        // A server that still writes for the connection that was cut may refuse to answer for a moment.
        guard error.kind == .status else { throw error }
        refusal = "; the last answer was \(error.detail)"
      }
      await client.lane.pause(.milliseconds(2))
    }
    throw LoadError(
      .protocol, "\(client.site.target.name): an upload cannot go on after its connection was cut\(refusal)")
  }
}

/// Push of whole images.
struct ImagePush: Activity {
  private let spec: ScenarioSpec
  private let mould: BlobMould
  private let counter = Counter()
  private let run: UInt64

  init(_ spec: ScenarioSpec, seed: UInt64, run: UInt64) {
    (self.spec, self.run) = (spec, run)
    mould = BlobMould(size: spec.size, seed: seed)
  }

  func prepare(_ client: Client) async throws(LoadError) {
    guard client.site.target.isStatic else { return }
    throw LoadError(.protocol, "\(client.site.target.name) serves static files: nothing can be pushed to it")
  }

  func worker(_ client: Client) -> any Worker { ImagePushWorker(client, self) }

  private final class ImagePushWorker: Worker {
    private let client: Client
    private let activity: ImagePush

    init(_ client: Client, _ activity: ImagePush) { (self.client, self.activity) = (client, activity) }

    func operate() async throws(LoadError) {
      let spec = activity.spec
      let number = activity.counter.next()
      let image = ImageData(
        number: number, seed: activity.run, layers: Array(repeating: activity.mould, count: spec.layers),
        manifestBytes: spec.manifestSize)
      try await Pushing(client, spec.repository(of: client)).ensure(image, tag: "pushed-\(number)")
    }
  }
}

/// PUT of a manifest under tag after tag, so that each moves a tag from one image to another.
struct Retag: Activity {
  private let spec: ScenarioSpec
  private let images: [ImageData]

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    let mould = BlobMould(size: 512, seed: seed)
    images = (0..<2).map {
      ImageData(
        number: UInt64($0) &+ 1 << 21, seed: seed, layers: Array(repeating: mould, count: spec.layers),
        manifestBytes: spec.manifestSize)
    }
  }

  func prepare(_ client: Client) async throws(LoadError) {
    guard !client.site.target.isStatic else {
      throw LoadError(.protocol, "\(client.site.target.name) serves static files: nothing can be pushed to it")
    }
    for number in 0..<max(1, spec.repositories) {
      let repository = spec.repositories <= 1 ? spec.repository : "\(spec.repository)-\(number)"
      for (index, image) in images.enumerated() {
        try await Pushing(client, repository).ensure(image, tag: "base-\(index)")
      }
    }
  }

  func worker(_ client: Client) -> any Worker { RetagWorker(client, spec, images) }

  private final class RetagWorker: Worker {
    private let client: Client
    private let spec: ScenarioSpec
    private let images: [ImageData]
    private var done = 0

    init(_ client: Client, _ spec: ScenarioSpec, _ images: [ImageData]) {
      (self.client, self.spec, self.images) = (client, spec, images)
    }

    func operate() async throws(LoadError) {
      let tag = "moved-\(client.index)-\(done % max(1, spec.tags))"
      let image = images[(done / max(1, spec.tags)) % 2]
      done += 1
      try await Pushing(client, spec.repository(of: client)).push(manifest: image.manifest, as: tag)
    }
  }
}
