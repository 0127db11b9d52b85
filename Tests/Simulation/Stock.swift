// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryTestKit

/// What the clients of one history push and pull: few things, so that they meet.
struct Stock: Sendable {
  /// Bytes under a digest.
  struct Item: Sendable {
    var digest: String
    var bytes: [UInt8]
  }

  /// A manifest and what must be in the repository before it.
  struct Manifest: Sendable {
    var item: Item
    var mediaType: String
    var blobs: [Item]
    var manifests: [Int]
  }

  let repositories: [String]
  let tags: [String]
  let blobs: [Item]
  let manifests: [Manifest]
  /// What nobody pushes before the end, to see whether everything works then.
  let last: Manifest

  /// The stock of a small world: two repositories, one tag, a blob for chunks and a small one, and two manifests that
  /// need nothing.
  init(small seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func item(_ bytes: [UInt8]) -> Item {
      Item(digest: RandomImage.Content(.ociLayer, bytes).digest.description, bytes: bytes)
    }
    func index(_ number: Int) -> Manifest {
      let type = "application/vnd.oci.image.index.v1+json"
      let text =
        #"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[],"annotations":{"number":"\#(number)"}}"#
      return Manifest(item: item(Array(text.utf8)), mediaType: type, blobs: [], manifests: [])
    }
    repositories = ["app", "team/base"]
    tags = ["latest"]
    blobs = [item(generator.bytes(70_000)), item(generator.bytes(300))]
    manifests = [index(1), index(2)]
    last = index(3)
  }

  init(_ generator: inout SplitMix64) {
    let seed = generator.next()
    let images = [
      RandomImage(seed: seed, shape: .init(layerCount: 2, layerBytes: 1...2_000)),
      RandomImage(seed: seed &+ 1, shape: .init(layerCount: 1, layerBytes: 500...20_000, flavour: .docker)),
      RandomImage(seed: seed &+ 2, shape: .init(layerCount: 1, layerBytes: 1...600, algorithm: .sha512)),
    ]
    var blobs: [Item] = []
    func item(_ content: RandomImage.Content) -> Item {
      let item = Item(digest: content.digest.description, bytes: content.bytes)
      if !blobs.contains(where: { $0.digest == item.digest }) { blobs.append(item) }
      return item
    }
    var manifests: [Manifest] = []
    for image in images {
      let needed = image.blobs.map(item)
      let at = manifests.count
      manifests.append(
        Manifest(
          item: Item(digest: image.manifest.digest.description, bytes: image.manifest.bytes),
          mediaType: image.manifest.mediaType.description, blobs: needed, manifests: []))
      manifests.append(
        Manifest(
          item: Item(digest: image.index.digest.description, bytes: image.index.bytes),
          mediaType: image.index.mediaType.description, blobs: [], manifests: [at]))
      manifests.append(
        Manifest(
          item: Item(digest: image.artifact.digest.description, bytes: image.artifact.bytes),
          mediaType: image.artifact.mediaType.description, blobs: [item(image.empty)], manifests: []))
    }
    _ = item(RandomImage.Content(.ociLayer, []))
    _ = item(RandomImage.Content(.ociLayer, [0x67]))
    _ = item(RandomImage.Content(.ociLayer, generator.bytes(140_000 + generator.below(20_000))))
    repositories = Array(["app", "team/app", "team/base"].prefix(1 + generator.below(3)))
    tags = Array(["latest", "v1", "v2"].prefix(1 + generator.below(3)))
    self.blobs = blobs
    self.manifests = Array(manifests.prefix(1 + generator.below(manifests.count)))
    let image = RandomImage(seed: seed &+ 3, shape: .init(layerCount: 1))
    last = Manifest(
      item: Item(digest: image.manifest.digest.description, bytes: image.manifest.bytes),
      mediaType: image.manifest.mediaType.description,
      blobs: image.blobs.map { Item(digest: $0.digest.description, bytes: $0.bytes) }, manifests: [])
  }
}
