// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryTestKit
import Testing

@Suite struct RandomImageTests {
  static let shapes: [RandomImage.Shape] = [
    .init(), .init(layerCount: 0), .init(layerCount: 5, layerBytes: 0...3), .init(flavour: .docker),
    .init(algorithm: .sha512),
  ]

  @Test(arguments: shapes) func everyDocumentIsValid(_ shape: RandomImage.Shape) throws {
    let image = RandomImage(seed: 1, shape: shape)
    let manifest = try ManifestReader.read(image.manifest.bytes, contentType: image.manifest.mediaType)
    #expect(manifest.kind == .image)
    #expect(manifest.flavour == shape.flavour)
    #expect(manifest.config == image.config.descriptor)
    #expect(manifest.layers == image.layers.map(\.descriptor))
    #expect(Set(image.blobs.map(\.digest)) == Set(manifest.references.blobs.map(\.digest)))
    let index = try ManifestReader.read(image.index.bytes, contentType: image.index.mediaType)
    #expect(index.manifests.map(\.digest) == [image.manifest.digest])
    let artifact = try ManifestReader.read(image.artifact.bytes, contentType: image.artifact.mediaType)
    #expect(artifact.subject?.digest == image.manifest.digest)
    #expect(artifact.artifactType == MediaType("application/vnd.gantry.test"))
  }

  @Test(arguments: shapes) func theSeedDecides(_ shape: RandomImage.Shape) {
    let (first, again) = (RandomImage(seed: 1, shape: shape), RandomImage(seed: 1, shape: shape))
    #expect(first.manifest == again.manifest && first.artifact == again.artifact && first.index == again.index)
    let other = RandomImage(seed: 2, shape: shape)
    #expect(first.manifest.digest != other.manifest.digest)
    #expect(first.config.digest != other.config.digest)
  }

  @Test func digestsAreThoseOfTheBytes() {
    let image = RandomImage(seed: 3)
    #expect(
      image.empty.digest.description
        == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    #expect(RandomImage.Content(.ociEmpty, Array("{}".utf8)).digest == image.empty.digest)
  }
}
