// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryOCI
import Testing

@testable import GantryRegistryAPI

struct PathMatcherTests {
  @Test(arguments: [
    ("/", PathShape.root, "", ""),
    ("/v2", .baseWithoutSlash, "", ""),
    ("/v2/", .base, "", ""),
    ("/v2/_catalog", .catalog, "", ""),
    ("/v2/a/tags/list", .tags, "a", ""),
    ("/v2/a/b/c/tags/list", .tags, "a/b/c", ""),
    ("/v2/a/manifests/latest", .manifest, "a", "latest"),
    ("/v2/a/manifests/sha256:00", .manifest, "a", "sha256:00"),
    ("/v2/a/manifests/sha256%3A00", .manifest, "a", "sha256:00"),
    ("/v2/a/blobs/sha256:00", .blob, "a", "sha256:00"),
    ("/v2/a/blobs/uploads/", .uploads, "a", ""),
    ("/v2/a/blobs/uploads", .uploads, "a", ""),
    ("/v2/a/blobs/uploads/x-1", .upload, "a", "x-1"),
    ("/v2/a/referrers/sha256:00", .referrers, "a", "sha256:00"),
    // Names that contain the fixed words are matched from the tail.
    ("/v2/manifests/manifests/manifests", .manifest, "manifests", "manifests"),
    ("/v2/a/blobs/uploads/manifests/v1", .manifest, "a/blobs/uploads", "v1"),
    ("/v2/blobs/uploads/blobs/uploads/", .uploads, "blobs/uploads", ""),
    ("/v2/tags/list/tags/list", .tags, "tags/list", ""),
    ("/v2/v2/tags/list", .tags, "v2", ""),
    // The name is judged later, so that its error names it.
    ("/v2/Bad/tags/list", .tags, "Bad", ""),
  ])
  func aPathHasAShape(_ path: String, _ shape: PathShape, _ name: String, _ tail: String) throws {
    let match = try PathMatcher(prefix: "/").match(Array(path.utf8)[...])
    #expect(match == PathMatcher.Match(shape: shape, name: name, tail: tail))
    let below = try PathMatcher(prefix: "/x/y/").match(Array("/x/y\(path)".utf8)[...])
    if shape != .root { #expect(below == match) }
  }

  @Test(arguments: [
    "/v1/", "/x", "/v2x/", "/v2/x", "/v2/tags/list", "/v2/a/tags/", "/v2/a/tags/other", "/v2/a/manifests/",
    "/v2/a/blobs/", "/v2/a/unknown/b", "/v2/a/", "/v2/_catalog/", "*",
  ])
  func nothingIsServedElsewhere(_ path: String) throws {
    #expect(try PathMatcher(prefix: "/").match(Array(path.utf8)[...]) == nil)
  }

  @Test func aPrefixIsPartOfThePath() throws {
    let matcher = PathMatcher(prefix: "/mirror/")
    #expect(try matcher.match(Array("/v2/".utf8)[...]) == nil)
    #expect(try matcher.match(Array("/mirror/v2/".utf8)[...])?.shape == .base)
    #expect(try matcher.match(Array("/".utf8)[...])?.shape == .root)
  }

  @Test(arguments: [
    ("/v2/a%2Fb/tags/list", "an encoded slash"), ("/v2/a%2fb/manifests/x", "an encoded slash"),
    ("/v2/a%00/tags/list", "an encoded NUL"), ("/v2/../tags/list", "a segment '.' or '..'"),
    ("/v2/%2e%2e/etc/tags/list", "a segment '.' or '..'"), ("/v2/a/./tags/list", "a segment '.' or '..'"),
    ("/v2/a%0A/tags/list", "an encoded control character"), ("/v2/a%5Cb/tags/list", "a backslash"),
    ("/v2//a/tags/list", "two slashes in a row"), ("/v2/a/manifests/..", "a segment '.' or '..'"),
    ("/v2/a%2/tags/list", "not followed by two hexadecimal digits"), ("/v2/%FF/tags/list", "not UTF-8"),
    ("/v2/a/blobs/uploads/%2e%2e", "a segment '.' or '..'"),
  ])
  func whatOthersCouldReadDifferentlyIsRefused(_ path: String, _ reason: String) {
    let refusal = #expect(throws: Refusal.self) { try PathMatcher(prefix: "/").match(Array(path.utf8)[...]) }
    #expect(refusal?.status == .badRequest)
    #expect(refusal?.entries.first?.code == .nameInvalid)
    let document = refusal.map { String(decoding: ErrorDocument($0.entries).render(), as: UTF8.self) }
    #expect(document?.contains(reason) == true)
  }

  @Test(arguments: [
    ("/v2/a/manifests/x", true, false), ("/v2/a/b/manifests/sha256:00", true, false), ("/v2/a/blobs/x", false, true),
    ("/v2/a/tags/list", false, false), ("/manifests/x", false, false), ("/a/manifests/x", true, false),
    ("/", false, false),
    ("x", false, false), ("", false, false), ("/v2/a/blobs/uploads/x", false, false),
    ("/v2/amanifests/x", false, false),
  ])
  func hotPathsAreToldByTheirTail(_ path: String, _ isManifest: Bool, _ isBlob: Bool) {
    #expect(HotPath.isManifest(Array(path.utf8)[...]) == isManifest)
    #expect(HotPath.isBlob(Array(path.utf8)[...]) == isBlob)
  }

  @Test(
    "What a hot path reads as a name is the name that the matcher finds, or none that is one",
    arguments: [
      "/v2/a/manifests/x", "/v2/a/b/c/blobs/x", "/v2/a/blobs/uploads/blobs/x", "/v2/manifests/manifests/manifests",
      "/v2/a/manifests/b/blobs/x", "/v2/blobs/uploads/manifests/x", "/v2/%61/manifests/x", "/v2/a/manifests/%78",
      "/v2/a//manifests/x", "/v2/a/./manifests/x", "/v2/A/manifests/x", "/v2/a\\b/manifests/x", "/v2/manifests/x",
      "/v2//manifests/x", "/v3/a/manifests/x", "//v2/a/manifests/x", "/v2/a/blobs/uploads", "/v2/a/manifests/",
      "/a/v2/b/manifests/x", "/v2/a/tags/list", "/v2", "/", "", "x/manifests/y",
    ])
  func hotPathsNameWhatTheMatcherFinds(_ path: String) throws {
    let bytes = Array("GET \(path)".utf8)[4...]
    for prefix in ["/", "/a/"] {
      guard let text = HotPath.repository(in: bytes, below: prefix), let name = try? RepositoryName(parsing: text)
      else {
        continue
      }
      // Where nothing is served, nothing was cached.
      guard let match = try PathMatcher(prefix: prefix).match(bytes) else { continue }
      #expect(match.name == name.description, "\(prefix) \(path)")
    }
    let known = HotPath.repository(in: Array("/a/v2/b/c/manifests/x".utf8)[...], below: "/a/")
    #expect(known == "b/c")
  }
}
