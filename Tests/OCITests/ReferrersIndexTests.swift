// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

@Suite struct ReferrersIndexTests {
  private func descriptor(_ digit: Int, type: String? = nil) throws -> Descriptor {
    let digest = try Digest(parsing: "sha256:" + String(repeating: String(digit, radix: 16), count: 64))
    return Descriptor(
      mediaType: .ociManifest, digest: digest, size: Int64(digit), annotations: ["b": "2", "a": "1"],
      artifactType: type.map { MediaType($0) })
  }

  @Test func `no referrers make an empty index`() {
    let page = ReferrersIndex.page(of: [], bytesMax: 4096)
    #expect(
      String(decoding: page.body, as: UTF8.self)
        == #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#)
    #expect(page.last == nil && page.count == 0)
  }

  @Test func `order and bytes do not depend on the order given`() throws {
    let entries = try [3, 1, 2, 1].map { try descriptor($0, type: "a/b") }
    let page = ReferrersIndex.page(of: entries, bytesMax: 4096)
    #expect(page == ReferrersIndex.page(of: entries.reversed(), bytesMax: 4096))
    #expect(page.count == 3)
    let index = try ManifestReader.read(page.body, contentType: .ociIndex)
    #expect(index.manifests == [entries[1], entries[2], entries[0]])
    let text = String(decoding: page.body, as: UTF8.self)
    #expect(text.contains(#""size":1,"annotations":{"a":"1","b":"2"},"artifactType":"a/b"}"#))
  }

  @Test func `12.5 the filter compares whole types`() throws {
    let entries = [try descriptor(1, type: "a/b"), try descriptor(2, type: "a/bc"), try descriptor(3)]
    let page = ReferrersIndex.page(of: entries, artifactType: MediaType("a/b"), bytesMax: 4096)
    #expect(try ManifestReader.read(page.body, contentType: .ociIndex).manifests == [entries[0]])
  }

  @Test(arguments: [0, 1, 300, 600, 700, 1000, 100_000])
  func `12.4 pages under any limit list everything once`(bytesMax: Int) throws {
    let entries = try (0..<16).map { try descriptor($0) }
    var listed: [Descriptor] = []
    var last: Digest?
    var pages = 0
    repeat {
      let page = ReferrersIndex.page(of: entries.shuffled(), after: last, bytesMax: bytesMax)
      #expect(page.body.count <= bytesMax || page.count == 1)
      listed += try ManifestReader.read(page.body, contentType: .ociIndex).manifests
      last = page.last
      pages += 1
    } while last != nil && pages <= 16
    #expect(listed == entries)
  }

  @Test func `12.6 fallback tags`() throws {
    let short = try Digest(parsing: "sha256:\(DigestTests.hex256)")
    #expect(FallbackTag.name(for: short).description == "sha256-\(DigestTests.hex256)")
    let long = FallbackTag.name(for: try Digest(parsing: "sha512:\(DigestTests.hex512)"))
    #expect(long.description == "sha512-\(DigestTests.hex512.prefix(64))")
    #expect(try Tag(parsing: long.description) == long)
  }
}
