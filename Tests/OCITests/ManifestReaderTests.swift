// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

private let hexA = String(repeating: "a", count: 64)
private let hexB = String(repeating: "b", count: 64)
private let config =
  #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:\#(hexA)","size":2}"#
private let layer = #"{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:\#(hexB)","size":3}"#

private func read(_ text: String, _ type: MediaType? = nil) throws(ManifestError) -> Manifest {
  try ManifestReader.read(Array(text.utf8), contentType: type)
}

@Suite struct ManifestReaderTests {
  struct Good: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var text: String
    var contentType: MediaType?
    var kind: Manifest.Kind
    var mediaType: MediaType
    var layers = 0
    var manifests = 0
    var blobsWanted = 0
  }

  static let good: [Good] = [
    Good(
      testDescription: "image", text: #"{"schemaVersion":2,\#(config),"layers":[\#(layer)]}"#,
      contentType: .ociManifest,
      kind: .image, mediaType: .ociManifest, layers: 1, blobsWanted: 2),
    Good(
      testDescription: "7.3 parameters of Content-Type", text: #"{"schemaVersion":2,\#(config),"layers":[]}"#,
      contentType: MediaType("Application/vnd.oci.image.manifest.v1+json; charset=utf-8"), kind: .image,
      mediaType: .ociManifest, blobsWanted: 1),
    Good(
      testDescription: "7.7 null layers", text: #"{"schemaVersion":2,\#(config),"layers":null}"#,
      contentType: .ociManifest,
      kind: .image, mediaType: .ociManifest, blobsWanted: 1),
    Good(
      testDescription: "7.7 no layers field", text: #"{"schemaVersion":2,\#(config)}"#, contentType: .ociManifest,
      kind: .image, mediaType: .ociManifest, blobsWanted: 1),
    Good(
      testDescription: "7.7 unknown fields", text: #"{"x":[{"y":null}],"schemaVersion":2,\#(config),"\u0078":1}"#,
      contentType: .ociManifest, kind: .image, mediaType: .ociManifest, blobsWanted: 1),
    Good(
      testDescription: "docker image by its field",
      text:
        #"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)",\#(config),"layers":[\#(layer),\#(layer)]}"#,
      contentType: nil, kind: .image, mediaType: .dockerManifest, layers: 2, blobsWanted: 2),
    Good(
      testDescription: "generic Content-Type", text: #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)"}"#,
      contentType: .json, kind: .index, mediaType: .ociIndex),
    Good(
      testDescription: "7.7 empty index", text: #"{"schemaVersion":2,"manifests":[]}"#, contentType: .ociIndex,
      kind: .index, mediaType: .ociIndex),
    Good(
      testDescription: "index by its shape",
      text:
        #"{"schemaVersion":2,"manifests":[{"mediaType":"\#(MediaType.ociIndex)","size":0,"#
        + #""digest":"sha256:\#(hexA)"}]}"#,
      contentType: nil, kind: .index, mediaType: .ociIndex, manifests: 1),
    Good(
      testDescription: "image by its shape", text: #" {"schemaVersion":2,\#(config)}"# + "\n", contentType: nil,
      kind: .image,
      mediaType: .ociManifest, blobsWanted: 1),
    Good(
      testDescription: "artifact manifest has no schemaVersion",
      text: #"{"mediaType":"\#(MediaType.ociArtifactManifest)","artifactType":"a/b","blobs":[\#(layer)]}"#,
      contentType: .ociArtifactManifest, kind: .artifact, mediaType: .ociArtifactManifest, layers: 1, blobsWanted: 1),
    Good(
      testDescription: "7.7 data field",
      text: #"{"schemaVersion":2,"config":{"digest":"sha256:\#(hexA)","size":2,"data":"e30="}}"#,
      contentType: .ociManifest, kind: .image, mediaType: .ociManifest, blobsWanted: 1),
  ]

  @Test(arguments: good)
  func `manifests that are taken`(given: Good) throws {
    let manifest = try read(given.text, given.contentType)
    #expect(manifest.kind == given.kind)
    #expect(manifest.mediaType == given.mediaType)
    #expect(manifest.layers.count == given.layers)
    #expect(manifest.manifests.count == given.manifests)
    #expect(manifest.references.blobs.count == given.blobsWanted)
    #expect(manifest.references.manifests.count == given.manifests)
  }

  static let bad: [(String, MediaType?, ManifestError)] = [
    (#"{"schemaVersion":2,"layers":[]}"#, .ociManifest, .invalidField(path: "config", reason: "is missing")),
    (#"{\#(config)}"#, .ociManifest, .invalidField(path: "schemaVersion", reason: "is missing")),
    (#"{"schemaVersion":3,\#(config)}"#, nil, .invalidField(path: "schemaVersion", reason: "must be 2, found 3")),
    (
      #"{"schemaVersion":"2",\#(config)}"#, nil,
      .invalidField(path: "schemaVersion", reason: "must be a whole number of 64 bits, found a string")
    ),
    (#"{"schemaVersion":1,"fsLayers":[]}"#, nil, .schema1),
    (#"{"schemaVersion":1,\#(config)}"#, .ociManifest, .schema1),
    (#"{"schemaVersion":1}"#, .dockerManifestSchema1Signed, .schema1),
    (#"{"schemaVersion":2}"#, MediaType("application/x+json"), .unsupportedMediaType(name: "application/x+json")),
    (
      #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.config.v1+json"}"#, .json,
      .unsupportedMediaType(name: "application/vnd.oci.image.config.v1+json")
    ),
    (
      #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)",\#(config)}"#, .ociManifest,
      .mediaTypeMismatch(contentType: MediaType.ociManifest.text, field: MediaType.ociIndex.text)
    ),
    (
      #"{"schemaVersion":2}"#, nil,
      .invalidField(path: "mediaType", reason: "is missing, and neither Content-Type nor content tells the type")
    ),
    (
      #"{"schemaVersion":2,\#(config),"manifests":[]}"#, .ociManifest,
      .invalidField(path: "manifests", reason: "does not belong into an image manifest")
    ),
    (
      #"{"schemaVersion":2,"manifests":[],"layers":[]}"#, .ociIndex,
      .invalidField(path: "layers", reason: "does not belong into an index")
    ),
    (
      #"{"schemaVersion":2,\#(config),\#(config)}"#, nil, .invalidField(path: "config", reason: "appears twice")
    ),
    (
      #"{"schemaVersion":2,\#(config),"layers":[],"lay\u0065rs":[]}"#, nil,
      .invalidField(path: "layers", reason: "appears twice")
    ),
    (
      #"{"schemaVersion":2,"config":[]}"#, nil,
      .invalidField(path: "config", reason: "must be an object, found an array")
    ),
    (#"{"schemaVersion":2,"config":{}}"#, nil, .invalidField(path: "config.digest", reason: "is missing")),
    (
      #"{"schemaVersion":2,\#(config),"layers":{}}"#, nil,
      .invalidField(path: "layers", reason: "must be an array, found an object")
    ),
    (
      #"{"schemaVersion":2,\#(config),"layers":[\#(layer),7]}"#, nil,
      .invalidField(path: "layers[1]", reason: "must be an object, found a number")
    ),
    (
      #"{"schemaVersion":2,\#(config),"layers":[{"digest":"sha256:\#(hexA)"}]}"#, nil,
      .invalidField(path: "layers[0].size", reason: "is missing")
    ),
    (
      #"{"schemaVersion":2,\#(config),"layers":[{"digest":"sha256:\#(hexA)","size":-1}]}"#, nil,
      .invalidField(path: "layers[0].size", reason: "is negative")
    ),
    (
      #"{"schemaVersion":2,\#(config),"annotations":{"a":1}}"#, nil,
      .invalidField(path: "annotations.a", reason: "must be a string, found a number")
    ),
    (
      #"{"schemaVersion":2,\#(config),"layers":[\#(layer),\#(layer),\#(layer),{"digest":"md5:0","size":1}]}"#, nil,
      .invalidField(
        path: "layers[3].digest", reason: DigestError.unsupportedAlgorithm(name: "md5").description)
    ),
    ("[]", .ociManifest, .notAnObject(found: "an array")),
    ("\"x\"", nil, .notAnObject(found: "a string")),
    ("[] x", nil, .invalidJSON(.malformed(reason: "text after the end of the value", offset: 3))),
    (
      #"{"schemaVersion":2,\#(config),"layers":[{"digest":"sha256:\#(hexA)","size":1,"size":2}]}"#, nil,
      .invalidField(path: "layers[0].size", reason: "appears twice")
    ),
    (" 12", nil, .notAnObject(found: "a number")),
    ("null", nil, .notAnObject(found: "null")),
  ]

  @Test(arguments: bad)
  func `manifests that are refused`(text: String, contentType: MediaType?, expected: ManifestError) {
    #expect(throws: expected) { try read(text, contentType) }
  }

  @Test func `sizes that are no Int64 are refused`() {
    for size in ["1.5", "9223372036854775808", "\"3\"", "null", "true", "[]"] {
      #expect {
        try read(#"{"schemaVersion":2,\#(config),"layers":[{"digest":"sha256:\#(hexA)","size":\#(size)}]}"#)
      } throws: { error in
        guard case .invalidField(let path, _)? = error as? ManifestError else { return false }
        return path == "layers[0].size"
      }
    }
  }

  @Test func `invalid UTF-8 is refused`() {
    let bytes = Array(#"{"a":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8)
    #expect(throws: ManifestError.invalidJSON(.malformed(reason: "invalid UTF-8", offset: 6))) {
      try ManifestReader.read(bytes)
    }
    let wide: [UInt8] = [UInt8(ascii: "{"), 0, UInt8(ascii: "}"), 0]
    #expect(throws: ManifestError.invalidJSON(.malformed(reason: "expected a name in quotes", offset: 1))) {
      try ManifestReader.read(wide)
    }
  }

  @Test func `depth and number of values are bounded before decoding`() throws {
    func nested(_ depth: Int) -> String {
      #"{"schemaVersion":2,\#(config),"x":"# + String(repeating: "[", count: depth - 1)
        + String(repeating: "]", count: depth - 1) + "}"
    }
    #expect(try read(nested(64)).kind == .image)
    #expect(throws: ManifestError.invalidJSON(.tooDeep(depthMax: 64))) { try read(nested(65)) }
    #expect(throws: ManifestError.invalidJSON(.tooDeep(depthMax: 64))) { try read(nested(1_000_000)) }
    let many = #"{"x":["# + String(repeating: "0,", count: 400_001) + "0]}"
    #expect(throws: ManifestError.invalidJSON(.tooManyValues(valuesMax: 400_000))) { try read(many) }
    let layers = String(repeating: layer + ",", count: ManifestReader.descriptorsMax) + layer
    #expect {
      try read(#"{"schemaVersion":2,\#(config),"layers":[\#(layers)]}"#)
    } throws: { error in
      guard case .invalidField("layers", _)? = error as? ManifestError else { return false }
      return true
    }
  }

  @Test func `7.6 a manifest of 4 MiB is read`() throws {
    let padding = String(repeating: "x", count: 4 << 20)
    let manifest = try read(#"{"schemaVersion":2,\#(config),"annotations":{"p":"\#(padding)"}}"#)
    #expect(manifest.annotations["p"]?.utf8.count == 4 << 20)
  }

  @Test func `layers that clients do not upload are not wanted`() throws {
    let foreign = MediaType.dockerForeignLayer
    let text = #"""
      {"schemaVersion":2,\#(config),"layers":[
        {"mediaType":"\#(foreign)","digest":"sha256:\#(hexB)","size":1},
        {"mediaType":"x/y","digest":"sha256:\#(hexB)","size":1,"urls":["https://example.com/l"]},
        {"mediaType":"x/y","digest":"sha256:\#(hexA)","size":1}]}
      """#
    let manifest = try read(text)
    #expect(manifest.layers.count == 3)
    #expect(manifest.references.blobs.map(\.digest.hex) == [hexA])
  }

  @Test func `12.3 the artifact type of a referrer`() throws {
    let subject = #""subject":{"mediaType":"x/y","digest":"sha256:\#(hexB)","size":1}"#
    let own = try read(#"{"schemaVersion":2,"artifactType":"a/b",\#(config),\#(subject),"annotations":{"k":"v"}}"#)
    #expect(own.effectiveArtifactType == MediaType("a/b"))
    #expect(own.subject?.digest.hex == hexB)
    let fromConfig = try read(#"{"schemaVersion":2,"artifactType":"",\#(config)}"#)
    #expect(fromConfig.effectiveArtifactType == .ociConfig)
    let index = try read(#"{"schemaVersion":2,"manifests":[],\#(subject)}"#)
    #expect(index.effectiveArtifactType == nil)
    #expect(index.subject != nil)
    let docker = try read(#"{"schemaVersion":2,\#(config),\#(subject)}"#, .dockerManifest)
    #expect(docker.subject == nil)
    #expect(docker.flavour == .docker)

    let digest = try Digest(parsing: "sha256:\(hexA)")
    let entry = own.referrerDescriptor(digest: digest, size: 99)
    #expect(
      entry
        == Descriptor(
          mediaType: .ociManifest, digest: digest, size: 99, annotations: ["k": "v"], artifactType: MediaType("a/b")))
  }

  @Test func `the parts of a descriptor are kept`() throws {
    let text = #"""
      {"schemaVersion":2,"manifests":[{"mediaType":"m/t","digest":"sha256:\#(hexA)","size":7,"urls":["u"],
      "annotations":{"a":"b"},"artifactType":"t/u","data":"e30=","platform":{"architecture":"arm64","os":"linux",
      "os.version":"1","os.features":["f"],"variant":"v8"}}]}
      """#
    let entry = try #require(try read(text).manifests.first)
    #expect(
      entry.platform == Platform(architecture: "arm64", os: "linux", osVersion: "1", osFeatures: ["f"], variant: "v8"))
    #expect(entry.data == "e30=" && entry.urls == ["u"] && entry.size == 7)
    let page = ReferrersIndex.page(of: [entry], bytesMax: 10_000)
    #expect(try ManifestReader.read(page.body, contentType: .ociIndex).manifests == [entry])
  }

  @Test func `no cut or flipped byte of a manifest crashes the reader`() {
    let whole = Array(Self.good[4].text.utf8)
    for end in 0..<whole.count {
      #expect(throws: ManifestError.self) { try ManifestReader.read(Array(whole[..<end])) }
    }
    for place in whole.indices {
      for byte in [0x00, 0x22, 0x5C, 0x7B, 0x7D, 0x5B, 0xFF, 0x2C] as [UInt8] {
        var changed = whole
        changed[place] = byte
        do { _ = try ManifestReader.read(changed) } catch { #expect(!error.description.isEmpty) }
      }
    }
  }
}
