// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

struct ManifestTypeTests {
  @Test(arguments: [
    (#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#, MediaType.ociIndex),
    (#" { "config" : {"mediaType":"a/b"} , "layers":[{"mediaType":"c/d"}] } "#, .ociManifest),
    (#"{"manifests":[{"x":"]}\"{"},[]],"schemaVersion":2}"#, .ociIndex),
    (#"{"manifests":null,"layers":[]}"#, .ociManifest),
    (#"{"mediaType":"application\/vnd.oci.image.index.v1+json"}"#, .ociIndex),
    (#"{"mediaType":"Application/Vnd.Other.Thing; charset=utf-8"}"#, MediaType("application/vnd.other.thing")),
    (#"{"mediaType":"application/json","config":{}}"#, .ociManifest),
    (#"{"mediaType":"a/b\r\nSet-Cookie: c","config":{}}"#, MediaType("a/brnset-cookie: c")),
    ("{\"mediaType\":\"a/b\r\nc\",\"config\":{}}", .ociManifest),
    (#"{"schemaVersion":1,"fsLayers":[],"signatures":[{}]}"#, .dockerManifestSchema1Signed),
    (#"{"schemaVersion":1,"fsLayers":[]}"#, .dockerManifestSchema1),
  ])
  func theOutermostMembersTell(_ text: String, _ type: MediaType) {
    #expect(ManifestType.read(Array(text.utf8)) == type)
  }

  @Test(arguments: [
    "", "{", "{}", "[]", "7", "\"", "{\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\\", "{:}",
    "{\"a\":]}", "{\"layers\":[}", "{\"x\":\u{1}\u{2}}", "{\"blobs\":[],\"schemaVersion\":2}", "{\"config\":tru e}",
  ])
  func whatDoesNotTellIsNil(_ text: String) {
    #expect(ManifestType.read(Array(text.utf8)) == nil)
  }

  @Test func everyCutEnds() {
    let text = Array(#"{"schemaVersion":2,"x":[{"y":"\"z"},-1.5e+7,null],"mediaType":"a/b","config":{}}"#.utf8)
    for end in 0..<text.count { #expect(ManifestType.read(Array(text[..<end])) == nil) }
    #expect(ManifestType.read(text) == MediaType("a/b"))
  }

  @Test func agreesWithTheReaderOnWhatItTakes() throws {
    for text in [
      #"{"schemaVersion":2,"manifests":[]}"#,
      #"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}"#,
      #"{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}"#,
    ] {
      #expect(try ManifestReader.read(Array(text.utf8)).mediaType == ManifestType.read(Array(text.utf8)))
    }
  }
}
