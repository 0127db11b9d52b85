// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryRegistry
import GantryRegistryAPI
import Testing

/// The clauses that hold everywhere, by their ids, and what Distribution's clients rely on.
struct GeneralClauseTests {
  @Test(
    "G1, G2", arguments: ["A", "a/B", "a..b", "-a", "a___b", "a_", "a+b", "%C3%A4", String(repeating: "a", count: 256)])
  func badNames(_ name: String) {
    let bench = Bench()
    for (method, target) in [
      ("GET", "/v2/\(name)/tags/list"), ("POST", "/v2/\(name)/blobs/uploads/"), ("GET", "/v2/\(name)/manifests/a"),
      ("GET", "/v2/\(name)/referrers/x"), ("PATCH", "/v2/\(name)/blobs/uploads/x"),
    ] {
      let reply = bench.send(method, target)
      #expect(reply.status == 400 && reply.code == "NAME_INVALID", "\(method) \(target): \(reply.text)")
    }
  }

  @Test(
    "G3, G4",
    arguments: [
      (".a", 404, "MANIFEST_UNKNOWN", "TAG_INVALID"), ("-a", 404, "MANIFEST_UNKNOWN", "TAG_INVALID"),
      ("a%20b", 404, "MANIFEST_UNKNOWN", "TAG_INVALID"), ("sha256:00", 400, "DIGEST_INVALID", "DIGEST_INVALID"),
      (":", 400, "DIGEST_INVALID", "DIGEST_INVALID"), ("foo:bar", 400, "DIGEST_INVALID", "DIGEST_INVALID"),
    ])
  func badReferences(_ text: String, _ readStatus: Int, _ readCode: String, _ writeCode: String) {
    let bench = Bench()
    let read = bench.send("GET", "/v2/a/manifests/\(text)")
    #expect(read.status == readStatus && read.code == readCode)
    for method in ["PUT", "DELETE"] {
      let write = bench.send(method, "/v2/a/manifests/\(text)", body: method == "PUT" ? [1] : nil)
      #expect(write.status == 400 && write.code == writeCode, "\(method): \(write.text)")
    }
  }

  @Test(
    "G5",
    arguments: ["x", "sha256:", "md5:00000000000000000000000000000000", "sha256:" + String(repeating: "A", count: 64)])
  func badDigests(_ text: String) {
    let bench = Bench()
    for (method, target) in [
      ("GET", "/v2/a/blobs/\(text)"), ("HEAD", "/v2/a/blobs/\(text)"), ("DELETE", "/v2/a/blobs/\(text)"),
      ("GET", "/v2/a/referrers/\(text)"), ("POST", "/v2/a/blobs/uploads/?digest=\(text)"),
    ] {
      let reply = bench.send(method, target)
      #expect(reply.status == 400 && reply.code == "DIGEST_INVALID", "\(method) \(target): \(reply.text)")
    }
  }

  @Test("1.1, D1, D2, D3: the base and what is above it") func base() {
    let bench = Bench()
    #expect(bench.send("GET", "/v2/").text == "{}")
    #expect(bench.send("GET", "/v2/").status == 200)
    #expect(bench.send("GET", "/v2").status == 301)
    #expect(bench.send("GET", "/v2")["Location"] == "/v2/")
    #expect(bench.send("GET", "/").status == 200)
    #expect(bench.send("GET", "/")["Cache-Control"] == "no-cache")
    for target in ["/", "/v2", "/v2/", "/nowhere", "/v2/a/tags/list", "/v2/A/tags/list"] {
      #expect(bench.send("GET", target)["Docker-Distribution-Api-Version"] == "registry/2.0", "\(target)")
    }
    #expect(bench.send("GET", "/nowhere").status == 404)
  }

  @Test("D4: other methods are 405 with Allow") func methods() {
    let bench = Bench()
    let reply = bench.send("POST", "/v2/a/manifests/b", body: [])
    #expect(reply.status == 405 && reply.code == "UNSUPPORTED")
    #expect(reply["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT")
    #expect(bench.send("OPTIONS", "/v2/a/manifests/b").status == 200)
    #expect(bench.send("OPTIONS", "/v2/a/manifests/b")["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT")
    #expect(bench.send("OPTIONS", "*").status == 200)
    #expect(bench.send("BREW", "/v2/").status == 405)
  }

  @Test("D15: configured headers are in every answer") func headers() {
    let settings = APISettings(
      headers: [.init(name: "X-Content-Type-Options", values: ["nosniff"]), .init(name: "X-Two", values: ["a", "b"])],
      secret: Bench.secret)
    let bench = Bench(settings: settings)
    for target in ["/", "/v2/", "/v2/a/tags/list", "/nowhere"] {
      #expect(bench.send("GET", target)["X-Content-Type-Options"] == "nosniff")
      #expect(bench.send("GET", target).all("x-two") == ["a", "b"])
    }
    #expect(Bench().send("GET", "/v2/")["X-Content-Type-Options"] == nil)
  }

  @Test("D14: read-only mode") func readOnly() {
    let open = Bench()
    let image = open.pushImage(to: "a")
    let bench = Bench(policy: RegistryPolicy(isReadOnly: true, allowsDeletion: true), storage: open.storage)
    #expect(bench.send("GET", "/v2/a/manifests/latest").body == image.bytes)
    for (method, target) in [
      ("POST", "/v2/a/blobs/uploads/"), ("POST", "/v2/a/blobs/uploads/?mount=\(image.digest)&from=b"),
      ("PUT", "/v2/a/manifests/b"), ("DELETE", "/v2/a/manifests/latest"), ("DELETE", "/v2/a/blobs/\(image.digest)"),
      ("PATCH", "/v2/a/blobs/uploads/x"), ("DELETE", "/v2/a/blobs/uploads/x"),
    ] {
      let reply = bench.send(method, target, body: method == "PUT" ? image.bytes : nil)
      #expect(reply.status == 405 && reply.code == "UNSUPPORTED", "\(method) \(target): \(reply.text)")
    }
  }

  @Test("8.1 to 8.5, B7, B8: lists of tags") func tags() {
    let bench = Bench(settings: APISettings(secret: Bench.secret, tagsMax: 4))
    let all = ["0", "A", "a", "a-b", "a.b", "ab"]
    for tag in all.reversed() { bench.pushImage(to: "r", as: tag) }
    func list(_ query: String) -> Reply { bench.send("GET", "/v2/r/tags/list\(query)") }
    func document(_ tags: some Sequence<String>) -> String {
      "{\"name\":\"r\",\"tags\":[\(tags.map { "\"\($0)\"" }.joined(separator: ","))]}\n"
    }
    #expect(list("").text == document(all) && list("")["Link"] == nil)
    #expect(list("?n=2").text == document(["0", "A"]))
    #expect(list("?n=2")["Link"] == "</v2/r/tags/list?last=A&n=2>; rel=\"next\"")
    #expect(list("?n=99").text == document(all.prefix(4)))
    #expect(list("?n=99")["Link"] == "</v2/r/tags/list?last=a-b&n=4>; rel=\"next\"")
    #expect(list("?n=0").text == document([]) && list("?n=0")["Link"] == nil)
    #expect(list("?last=a").text == document(["a-b", "a.b", "ab"]))
    #expect(list("?last=aa&n=1").text == document(["ab"]) && list("?last=aa&n=1")["Link"] == nil)
    #expect(list("?last=zz").text == document([]))
    for n in ["-1", "+1", "x", "1.5", "99999999999999999999"] {
      #expect(list("?n=\(n)").status == 400 && list("?n=\(n)").code == "PAGINATION_NUMBER_INVALID", "\(n)")
    }
    for tag in all { #expect(bench.send("DELETE", "/v2/r/manifests/\(tag)").status == 202) }
    #expect(list("").text == document([]))
    let unknown = bench.send("GET", "/v2/none/tags/list")
    #expect(unknown.status == 404 && unknown.code == "NAME_UNKNOWN" && unknown.text.contains("none"))
    #expect(bench.send("GET", "/v2/none/tags/list?n=0").status == 404)
  }

  @Test("B6, B7: the catalog") func catalog() {
    let bench = Bench(settings: APISettings(secret: Bench.secret, catalogEntriesMax: 3))
    let order = ["a", "a/b", "a-b", "a0", "b"]
    for name in order.reversed() { bench.pushImage(to: name) }
    var found: [String] = []
    var next: String? = "/v2/_catalog?n=1000"
    while let target = next, found.count < 50 {
      let reply = bench.send("GET", target)
      #expect(reply.status == 200)
      let names = reply.text.dropFirst("{\"repositories\":[".count).prefix { $0 != "]" }
      found += names.split(separator: ",").map { String($0.dropFirst().dropLast()) }
      next = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
    }
    #expect(found == order)
    #expect(bench.send("GET", "/v2/_catalog?n=0").text == "{\"repositories\":[]}\n")
    #expect(bench.send("GET", "/v2/_catalog?n=-1").code == "PAGINATION_NUMBER_INVALID")
  }
}
