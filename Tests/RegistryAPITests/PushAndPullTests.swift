// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

/// The way of a whole image.
struct PushAndPullTests {
  @Test func anImageIsPulledAsItWasPushed() {
    let bench = Bench()
    let image = bench.pushImage(to: "library/hello")
    for reference in ["latest", image.digest.description] {
      // Twice: from the storage, then from the loop's cache.
      for _ in 0..<2 {
        let reply = bench.send("GET", "/v2/library/hello/manifests/\(reference)")
        #expect(reply.status == 200)
        #expect(reply.body == image.bytes)
        #expect(reply["Docker-Content-Digest"] == image.digest.description)
        #expect(reply["Content-Type"] == MediaType.ociManifest.text)
        #expect(reply["ETag"] == "\"\(image.digest)\"")
        #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
      }
    }
    let layer = Bench.digest(of: Array("layer".utf8))
    for _ in 0..<2 {
      let reply = bench.send("GET", "/v2/library/hello/blobs/\(layer)")
      #expect(reply.status == 200)
      #expect(reply.text == "layer")
    }
    #expect(
      bench.send("GET", "/v2/library/hello/tags/list").text == "{\"name\":\"library/hello\",\"tags\":[\"latest\"]}\n")
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"library/hello\"]}\n")
  }
}
