// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

extension Clause {
  /// The codes that an error document may hold: the specification's, and Distribution's own.
  static let errorCodes: Set<String> = [
    "BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED",
    "UNSUPPORTED", "TOOMANYREQUESTS", "UNKNOWN", "UNAVAILABLE", "RANGE_INVALID", "TAG_INVALID", "MANIFEST_UNVERIFIED",
    "PAGINATION_NUMBER_INVALID",
  ]

  static let general: [Clause] = [
    Clause("G1", "name grammar", digest: false) { bench in
      for name in ["a", "a/b/c", "a.b", "a_b", "a__b", "a-b", "a---b", "0/9", "a.b/c-d/e__f"] {
        expectError(try bench.client.send("GET", "/v2/\(name)/tags/list"), [404], ["NAME_UNKNOWN"])
      }
      for name in [
        "A", "a/B", "a..b", "a/-b", "-a", "a-", "a___b", "_a", "a_", ".a", "a./b", "a.-b", "a//b", "a+b", "ä",
      ] {
        expectError(
          try bench.client.send("GET", "/v2/\(percentEncoded(name))/tags/list"), [400], ["NAME_INVALID"])
        expectError(
          try bench.client.send("POST", "/v2/\(percentEncoded(name))/blobs/uploads/"), [400], ["NAME_INVALID"])
      }
    },
    Clause("G2", "names of at most 255 characters", digest: false) { bench in
      let component = String(repeating: "a", count: 127)
      expectError(
        try bench.client.send("GET", "/v2/\(component)/\(component)/tags/list"), [404], ["NAME_UNKNOWN"])
      expectError(
        try bench.client.send("GET", "/v2/\(component)/\(component)a/tags/list"), [400], ["NAME_INVALID"])
    },
    Clause("G3", "tag grammar") { bench in
      let image = try bench.asPushedByTag(try bench.image())
      let longest = String(repeating: "t", count: 128)
      for tag in ["a", "_", "A.b-c_d", "0", "latest", longest] {
        try bench.put(image, as: tag)
        try bench.expectContent(bench.manifest(tag), image)
      }
      for tag in [".a", "-a", longest + "t", "a%20b", "a%2Bb", "%C3%A4"] {
        let response = try bench.client.send(
          "PUT", bench.manifest(tag), [("Content-Type", Media.image)], body: image.bytes)
        expectError(response, [400], ["TAG_INVALID", "MANIFEST_INVALID"])
      }
      #expect(try bench.tags().count == 6)
    },
    Clause("G4", "neither digest nor tag is refused") { bench in
      let image = try bench.image()
      let short = String(image.digest.dropLast())
      for reference in [short, short + "g", "\(bench.algorithm):", "foo:bar", ":", "\(image.digest)0"] {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
          let response = try bench.client.send(
            method, bench.manifest(reference), [("Content-Type", Media.image)],
            body: method == "PUT" ? image.bytes : nil)
          expect(response, 400)
          if method != "HEAD" { expectError(response, [400], ["DIGEST_INVALID", "TAG_INVALID", "MANIFEST_INVALID"]) }
        }
      }
    },
    Clause("G5", "an invalid or unsupported digest gets 400") { bench in
      try bench.push(someBytes(10, seed: 1))
      let good = bench.algorithm.made(of: "a")
      let bad = [
        String(good.dropLast()), good + "a", good.uppercased(), "\(bench.algorithm):" + good.dropFirst(7).uppercased(),
        "md5:" + String(repeating: "a", count: 32), "sha999:" + String(repeating: "a", count: 64), "sha256",
      ]
      for digest in bad {
        expectError(
          try bench.client.send("GET", bench.blob(digest)), [400], ["DIGEST_INVALID", "UNSUPPORTED"])
        expect(try bench.client.send("HEAD", bench.blob(digest)), 400)
        let location = try bench.startUpload()
        expectError(
          try bench.client.send("PUT", location.adding("digest=\(digest)"), body: [1]), [400],
          ["DIGEST_INVALID", "UNSUPPORTED"])
      }
    },
    Clause("G6", "error documents") { bench in
      let missing = bench.algorithm.made(of: "0")
      let requests: [(String, String)] = [
        ("GET", bench.blob(missing)), ("GET", bench.manifest("none")), ("GET", bench.manifest(missing)),
        ("GET", "/v2/\(bench.name)/tags/list"), ("GET", "/v2/Bad/tags/list"), ("GET", bench.blob("sha256:x")),
        ("PATCH", bench.uploads + "00000000-0000-4000-8000-000000000000"), ("POST", "/v2/"),
        ("GET", "/v2/_catalog?n=x"), ("GET", "/v2/nothing-like-this"),
      ]
      for (method, target) in requests {
        let response = try bench.client.send(method, target)
        #expect((400..<500).contains(response.status), "\(method) \(target): \(response)")
        guard let errors = try response.json()["errors"]?.elements else {
          Issue.record("\(method) \(target) has no errors: \(response)")
          continue
        }
        #expect(!errors.isEmpty)
        for error in errors {
          #expect(errorCodes.contains(error["code"]?.text ?? ""), "\(method) \(target): \(response)")
          #expect(error["message"]?.text?.isEmpty == false, "\(method) \(target): \(response)")
        }
      }
    },
    Clause("G7", "429 carries Retry-After") { bench in
      // Nobody is sent away in this storm; if someone were, he would be told when to come back.
      for _ in 0..<64 {
        let response = try bench.client.send("POST", bench.uploads)
        expect(response, 202, 429)
        if response.status == 429 { #expect(Int(response["Retry-After"] ?? "") != nil, "\(response)") }
      }
    },
    Clause("G8", "Warning headers") { bench in
      let image = try bench.image()
      let put = try bench.put(image, as: "a")
      for response in [put, try bench.client.send("GET", bench.manifest("a")), try bench.client.send("GET", "/v2/")] {
        let warnings = response.all("Warning")
        #expect(warnings.allSatisfy { $0.hasPrefix("299 - \"") && $0.hasSuffix("\"") })
        #expect(warnings.reduce(0) { $0 + $1.utf8.count } <= 4096)
      }
    },
    Clause("G9", "a nonexistent repository gets 404") { bench in
      let missing = bench.algorithm.made(of: "0")
      expectError(try bench.client.send("GET", "/v2/\(bench.name)/tags/list"), [404], ["NAME_UNKNOWN"])
      for reference in ["latest", missing] {
        expectError(
          try bench.client.send("GET", bench.manifest(reference)), [404], ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"])
        expect(try bench.client.send("HEAD", bench.manifest(reference)), 404)
        expectError(
          try bench.client.send("DELETE", bench.manifest(reference)), [404], ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"])
      }
      expectError(try bench.client.send("GET", bench.blob(missing)), [404], ["BLOB_UNKNOWN", "NAME_UNKNOWN"])
      expectError(try bench.client.send("DELETE", bench.blob(missing)), [404], ["BLOB_UNKNOWN", "NAME_UNKNOWN"])
    },
    Clause("G10", "redirects stay on the host", digest: false) { bench in
      let response = try bench.client.send("GET", "/v2")
      expect(response, 301, 307, 308)
      let location = response["Location"] ?? ""
      #expect(location == "/v2/" || location == "http://\(bench.client.host)/v2/", "\(response)")
    },
    Clause("1.1", "GET /v2/ answers 200", digest: false) { bench in
      let response = try bench.client.send("GET", "/v2/")
      expect(response, 200)
      #expect(response.text == "{}")
      #expect(response["Content-Type"]?.hasPrefix("application/json") == true)
      let head = try bench.client.send("HEAD", "/v2/")
      expect(head, 200)
      #expect(head["Content-Length"] == "2")
    },
    Clause("P1", "ns= is accepted and changes nothing") { bench in
      let image = try bench.image()
      try bench.put(image, as: "a")
      try bench.expectContent(bench.manifest("a") + "?ns=docker.io", try bench.asPushedByTag(image))
      let blob = someBytes(50, seed: 3)
      let digest = try bench.push(blob)
      expect(try bench.client.send("GET", bench.blob(digest) + "?ns=ghcr.io"), 200)
    },
  ]
}

/// Percent-encodes what may not stand in a path.
func percentEncoded(_ text: String) -> String {
  text.utf8.map { byte in
    let character = Character(Unicode.Scalar(byte))
    let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-._~/:+".contains(character))
    return isPlain ? String(character) : "%" + hex([byte]).uppercased()
  }.joined()
}
