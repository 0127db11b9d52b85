// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import FoundationEssentials
import GantryOCI
import Testing

@Suite struct DocumentTests {
  private struct Errors: Decodable {
    struct Entry: Decodable {
      var code: String
      var message: String
      var detail: String?
    }
    var errors: [Entry]
  }

  @Test func `every code has a text, a status of its kind and the form of the specification`() {
    for code in OCIErrorCode.allCases {
      #expect(!code.message.isEmpty)
      #expect((400...503).contains(code.httpStatus))
      #expect(code.rawValue.utf8.allSatisfy { (65...90).contains($0) || $0 == UInt8(ascii: "_") })
    }
    #expect(OCIErrorCode.allCases.count == 20)
    #expect(OCIErrorCode.blobUploadInvalid.httpStatus == 404)
    #expect(OCIErrorCode.rangeInvalid.httpStatus == 416)
    #expect(OCIErrorCode.tooManyRequests.rawValue == "TOOMANYREQUESTS")
  }

  @Test func `an error document as Distribution writes it`() {
    let document = ErrorDocument([
      .init(.manifestBlobUnknown, detail: ["digest": "sha256:ab", "sizes": [.integer(-1), .null, .boolean(true)]]),
      .init(.nameInvalid, message: "no"),
    ])
    let expected =
      #"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","#
      + #""detail":{"digest":"sha256:ab","sizes":[-1,null,true]}},{"code":"NAME_INVALID","message":"no"}]}"#
    #expect(String(decoding: document.render(), as: UTF8.self) == expected + "\n")
    #expect(document.httpStatus == 400)
  }

  @Test(arguments: [
    "", "plain", "\"\\/", "\u{0}\u{1}\u{1f}\u{7f}", "\r\n\t\u{8}\u{c}", "</script><script>&",
    "é \u{2028} 😀 \u{fffd}",
    "{\"errors\":[]}",
  ])
  func `any text survives as valid JSON`(text: String) throws {
    let bytes = ErrorDocument(.unknown, message: text, detail: .string(text)).render()
    #expect(bytes.dropLast().allSatisfy { $0 >= 0x20 })
    #expect(!bytes.contains(UInt8(ascii: "<")))
    let entry = try #require(try JSONDecoder().decode(Errors.self, from: Data(bytes)).errors.first)
    #expect(entry.message == text)
    #expect(entry.detail == text)
    #expect(entry.code == "UNKNOWN")
  }

  @Test func `lists`() throws {
    let name = try RepositoryName(parsing: "a/b")
    #expect(
      String(decoding: TagsDocument.render(name: name, tags: []), as: UTF8.self) == "{\"name\":\"a/b\",\"tags\":[]}\n")
    let tags = [try Tag(parsing: "1"), try Tag(parsing: "x.y")]
    #expect(
      String(decoding: TagsDocument.render(name: name, tags: tags), as: UTF8.self)
        == "{\"name\":\"a/b\",\"tags\":[\"1\",\"x.y\"]}\n")
    #expect(
      String(decoding: CatalogDocument.render(repositories: []), as: UTF8.self) == "{\"repositories\":[]}\n")
    #expect(
      String(decoding: CatalogDocument.render(repositories: [name, name]), as: UTF8.self)
        == "{\"repositories\":[\"a/b\",\"a/b\"]}\n")
  }

  @Test(arguments: [
    ("application/json", "application/json"), ("Application/JSON ; charset=utf-8", "application/json"),
    ("  text/plain\t", "text/plain"), (";", ""), ("", ""),
  ])
  func `media types without parameters`(text: String, bare: String) {
    #expect(MediaType(text).withoutParameters == MediaType(bare))
    #expect(MediaType(text).text == text)
  }

  @Test func `media types are told apart`() {
    #expect(MediaType.ociManifest.isManifest && !MediaType.ociManifest.isIndex)
    #expect(MediaType.dockerManifestList.isIndex && !MediaType.dockerManifestList.isManifest)
    #expect(
      MediaType.dockerForeignLayer.isNonDistributable && MediaType.ociNonDistributableLayerGzip.isNonDistributable)
    #expect(MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd").isNonDistributable)
    #expect(!MediaType.ociLayer.isNonDistributable && !MediaType.dockerLayer.isNonDistributable)
    #expect(!MediaType.dockerManifestSchema1Signed.isManifest)
  }
}
