// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

extension FuzzTarget {
  /// All targets that must hold.
  public static let all: [FuzzTarget] = [
    head, chunked, range, contentRange, query, fields, entityTag, reference, manifest,
  ]

  /// References, names and digests: an accepted one prints to itself, and holds nothing that a path could stumble over.
  public static let reference = FuzzTarget(
    "reference",
    seeds: [
      "latest", "v1.0-rc.1_2", "library/alpine", "a/b--c/d__e.f",
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "sha512:\(String(repeating: "0f", count: 64))", "..", "a/../b", "",
    ].map { Array($0.utf8) }, words: ["/", "..", ":", "sha256:", "sha512:", "__"]
  ) { input, _ in
    let text = String(decoding: input, as: UTF8.self)
    do throws(ReferenceError) {
      let reference = try Reference(parsing: text)
      guard reference.description == text else { return "printed as \(reference)" }
      guard !text.contains("/"), text != ".", text != "..", text.utf8.count <= 256 else { return "accepted" }
    } catch {
      // Refusing is what most inputs are for.
    }
    do throws(NameError) {
      let name = try RepositoryName(parsing: text)
      guard name.description == text, text.utf8.count <= 255 else { return "name printed as \(name)" }
      guard !text.contains(".."), !text.hasPrefix("/"), !text.hasSuffix("/"), !text.contains("//") else {
        return "name accepted"
      }
    } catch {
      // As above.
    }
    return nil
  }

  /// Manifests: whatever the bytes, an answer and no crash.
  public static let manifest = FuzzTarget(
    "manifest",
    seeds: [
      #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a/b","#
        + #""digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}"#,
      #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
      #"{"schemaVersion":1}"#, "[[[[[[[[[[[[[[[[", #"{"a":1e999,"a":"\ud800"}"#,
    ].map { Array($0.utf8) },
    words: ["{", "}", "[", "]", "null", "-1", "1e9", "\"size\":", "\\u0000", "\"layers\":", "\"subject\":{}", ","]
  ) { input, _ in
    do throws(ManifestError) {
      let first = try ManifestReader.read(input)
      guard try ManifestReader.read(input, contentType: first.mediaType) == first else {
        return "read again with its own type, the manifest differs"
      }
    } catch {
      // Refusing is what most inputs are for.
    }
    return nil
  }

  /// A target that must fail, so that it is known that failures are seen.
  public static let canary = FuzzTarget("canary", corpus: [Corpus(http: "head-accept")]) { input, _ in
    for (index, byte) in input.enumerated() where byte == 10 && (index == 0 || input[index - 1] != 13) {
      return "the canary found a bare LF"
    }
    return nil
  }
}
