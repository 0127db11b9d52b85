// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryYAML

extension FuzzTarget {
  /// All targets that must hold.
  public static let all: [FuzzTarget] = [
    head, chunked, range, contentRange, query, fields, entityTag, reference, manifest, yaml, http2,
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

  /// YAML: whatever the bytes, an answer within the limits and no crash; twice the same; a fault has a place.
  public static let yaml = FuzzTarget(
    "yaml",
    seeds: [
      "version: 0.1\nlog:\n  level: info\n  fields: {service: registry}\nhttp:\n  addr: :5000\n",
      "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: [1, 2, ~]}\n", "- 'it''s'\n- \"\\u00e9\\n\"\n- |\n  text\n- >-\n  folded\n",
      "a: &a [*a]\n", "? [k]\n: v\n", "--- !!str 1\n...\n---\n2\n", "[[[[[[[[[[[[[[[[", "{a: {b: {c: {d: ",
    ].map { Array($0.utf8) },
    words: ["&x ", "*x", "<<: ", "!!int ", "---\n", "...\n", "  ", "\t", "- ", ": ", "? ", "[", "{", "|\n", "\u{FEFF}"]
  ) { input, _ in
    let limits = YAMLLimits()
    do throws(YAMLError) {
      let document = try YAMLDocument(input, origin: "fuzz", limits: limits)
      return try YAMLDocument(input, origin: "fuzz", limits: limits) == document ? nil : "read twice, it differs"
    } catch {
      return error.mark.line >= 1 && !error.description.isEmpty ? nil : "a fault without a place"
    }
  }

  /// A target that must fail, so that it is known that failures are seen.
  public static let canary = FuzzTarget("canary", corpus: [Corpus(http: "head-accept")]) { input, _ in
    for (index, byte) in input.enumerated() where byte == 10 && (index == 0 || input[index - 1] != 13) {
      return "the canary found a bare LF"
    }
    return nil
  }
}
