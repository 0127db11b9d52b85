// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPWire
import GantryOCI
import GantryPatterns
import GantryRegistry
import GantryRegistryAPI
import GantryTestKit
import GantryTokenMint
import GantryWorld
import Testing

/// Challenges and answers where somebody else gives out the tokens, word for word as Distribution has them.
struct TokenClauseTests {
  static let key = MintKey("EC:P-256")
  static let start = #"Bearer realm="https://auth.test/token",service="registry.test""#

  func bench(_ rules: [AccessRule]? = nil, redirectPath: String? = nil) -> Bench {
    let method = TokenMethod(
      realm: "https://auth.test/token", service: "registry.test", issuer: "issuer",
      rootCertificates: "/roots",
      redirectPath: redirectPath)
    let bench = Bench(policy: RegistryPolicy(allowsDeletion: true)) { world in
      AccessControl(
        world: world, method: .token(method), rules: rules.map(AccessRules.init),
        secret: Bench.secret
      ) {
        _ in
      }
    }
    let world = bench.simulation.world
    let pem = MintCertificate("root", Self.key).pem
    bench.simulation.run {
      await world.workers.run {
        do {
          try world.files.open("/roots", .create(mode: 0o600)).write(Array(pem.utf8), at: 0)
        } catch {
          preconditionFailure("the file is written: \(error)")
        }
      }
    }
    return bench
  }

  /// A token for scopes like `repository:a:pull,push`.
  func token(
    _ bench: Bench, _ scopes: String..., sub: String = "alice", lasting: Int64 = 300
  ) -> String {
    let now = bench.simulation.world.clock.now.seconds
    let access = scopes.map { scope in
      let parts = scope.split(separator: ":").map(String.init)
      let actions = parts[2].split(separator: ",").map { "\"\($0)\"" }.joined(separator: ",")
      return #"{"type":"\#(parts[0])","name":"\#(parts[1])","actions":[\#(actions)]}"#
    }
    let claims =
      #"{"iss":"issuer","sub":"\#(sub)","aud":"registry.test","exp":\#(now + lasting),"access":["#
      + access.joined(separator: ",") + "]}"
    return "Bearer "
      + MintToken.token(
        Self.key, "ES256", header: #","jwk":{\#(MintToken.members(of: Self.key))}"#, claims)
  }

  @Test("Each endpoint asks for its scope; a wrong token and one for something else are told apart")
  func challenges() {
    let bench = bench()
    let digest = "sha256:" + String(repeating: "0", count: 64)
    let targets: [(String, String, String?)] = [
      ("GET", "/v2/", nil), ("GET", "/v2/_catalog", "registry:catalog:*"),
      ("GET", "/v2/a/b/tags/list", "repository:a/b:pull"),
      ("GET", "/v2/a/manifests/x", "repository:a:pull"),
      ("HEAD", "/v2/a/blobs/\(digest)", "repository:a:pull"),
      ("GET", "/v2/a/referrers/\(digest)", "repository:a:pull"),
      ("PUT", "/v2/a/manifests/x", "repository:a:pull,push"),
      ("POST", "/v2/a/blobs/uploads/", "repository:a:pull,push"),
      (
        "POST", "/v2/a/blobs/uploads/?mount=\(digest)&from=c/d",
        "repository:a:pull,push repository:c/d:pull"
      ),
      ("PATCH", "/v2/a/blobs/uploads/x", "repository:a:pull,push"),
      ("GET", "/v2/a/blobs/uploads/x", "repository:a:pull"),
      ("DELETE", "/v2/a/blobs/uploads/x", "repository:a:delete"),
      ("DELETE", "/v2/a/manifests/x", "repository:a:delete"),
      ("DELETE", "/v2/a/blobs/\(digest)", "repository:a:delete"),
    ]
    let other = token(bench, "repository:other:*")
    let late = token(bench, "repository:a:*", lasting: -100)
    for (method, target, scope) in targets {
      let challenge = Self.start + (scope.map { #",scope="\#($0)""# } ?? "")
      for (credentials, error) in [
        (nil, nil), ("Basic YTpi", nil), ("Bearer", nil), ("Bearer ", nil),
        ("Bearer x", "invalid_token"),
        (late, "invalid_token"), (other, scope == nil ? "" : "insufficient_scope"),
      ] as [(String?, String?)] {
        bench.authorization = credentials
        let reply = bench.send(method, target, body: method == "PUT" ? [1] : nil)
        if error == "" {
          #expect(reply.status == 200)
          continue
        }
        #expect(reply.status == 401, "\(method) \(target) \(credentials ?? "-"): \(reply.text)")
        let wanted = challenge + (error.map { #",error="\#($0)""# } ?? "")
        #expect(reply["WWW-Authenticate"] == wanted, "\(method) \(target)")
        #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
        if method != "HEAD" { #expect(reply.code == "UNAUTHORIZED", "\(reply.text)") }
      }
    }
    #expect(bench.send("GET", "/v2/_token", ["Authorization": other]).status == 404)
  }

  @Test("A token does what it says: push, pull, mount, delete, and the catalog") func scopes() {
    let bench = bench()
    bench.authorization = token(bench, "repository:a:pull,push")
    let image = bench.pushImage(to: "a")
    let layer = bench.pushBlob(Array("layer".utf8), to: "a")
    for _ in 1...2 { #expect(bench.send("GET", "/v2/a/manifests/latest").body == image.bytes) }
    // What is hot is behind it, too.
    bench.authorization = token(bench, "repository:b:pull,push")
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 401)
    #expect(bench.send("GET", "/v2/a/blobs/\(layer)").status == 401)
    // A mount that the token does not allow is an upload.
    #expect(bench.send("POST", "/v2/b/blobs/uploads/?mount=\(layer)&from=a").status == 202)
    #expect(bench.send("POST", "/v2/b/blobs/uploads/?mount=\(layer)").status == 202)
    bench.authorization = token(bench, "repository:b:pull,push", "repository:a:pull")
    #expect(bench.send("POST", "/v2/b/blobs/uploads/?mount=\(layer)&from=a").status == 201)
    // Uploads: who may push may look and clean up; so may whoever has what Distribution asks for.
    let upload = bench.send("POST", "/v2/b/blobs/uploads/").location
    bench.authorization = token(bench, "repository:b:pull")
    #expect(bench.send("GET", upload).status == 204 && bench.send("DELETE", upload).status == 401)
    bench.authorization = token(bench, "repository:b:delete")
    #expect(bench.send("DELETE", upload).status == 204)
    bench.authorization = token(bench, "repository:b:pull,push")
    #expect(bench.send("DELETE", bench.send("POST", "/v2/b/blobs/uploads/").location).status == 204)
    #expect(bench.send("GET", "/v2/_catalog").status == 401)
    bench.authorization = token(bench, "registry:catalog:*")
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"a\"]}\n")
    #expect(bench.send("DELETE", "/v2/a/manifests/latest").status == 401)
    bench.authorization = token(bench, "repository:a:*")
    #expect(bench.send("DELETE", "/v2/a/manifests/latest").status == 202)
    bench.authorization = token(bench, "repository:a:pull", sub: "")
    #expect(
      bench.send("GET", "/v2/").status == 200 && bench.send("GET", "/v2/a/tags/list").status == 200)
  }

  @Test("With rules both must allow it; what everybody may takes no token") func rules() throws {
    let bench = bench([
      AccessRule(
        subjects: [.anyone], repositories: [try Glob("public/*")], actions: [.pull, .catalog]),
      AccessRule(
        subjects: [.user("alice")], repositories: [try Glob("a"), try Glob("public/*")],
        actions: [.pull, .push]),
    ])
    bench.authorization = token(bench, "repository:a:pull,push", "repository:public/x:pull,push")
    bench.pushImage(to: "a")
    let shared = bench.pushImage(to: "public/x")
    #expect(bench.send("GET", "/v2/").status == 200)
    bench.authorization = nil
    #expect(bench.send("GET", "/v2/").status == 401)
    #expect(bench.send("GET", "/v2/public/x/manifests/latest").body == shared.bytes)
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"public/x\"]}\n")
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 401)
    // A token for something else does not take away what everybody may.
    bench.authorization = token(bench, "repository:a:pull")
    #expect(bench.send("GET", "/v2/public/x/manifests/latest").status == 200)
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"public/x\"]}\n")
    bench.authorization = token(bench, "repository:a:pull,push", sub: "bob")
    let denied = bench.send("POST", "/v2/a/blobs/uploads/")
    #expect(denied.status == 403 && denied.code == "DENIED" && denied["WWW-Authenticate"] == nil)
    // A wrong token is wrong, even where nobody needs one.
    let wrong = bench.send(
      "GET", "/v2/public/x/manifests/latest", ["Authorization": "Bearer x.y.z"])
    #expect(
      wrong.status == 401
        && wrong["WWW-Authenticate"]?.hasSuffix(#",error="invalid_token""#) == true)
  }

  @Test("A token takes nothing away from what the certificate of the connection grants") func certificates() throws {
    let bench = bench([
      AccessRule(subjects: [.anyCertificate], actions: [.pull, .catalog]),
      AccessRule(subjects: [.anyUser], actions: [.push]),
    ])
    bench.authorization = token(bench, "repository:a:pull,push", "repository:b:pull,push")
    for name in ["a", "b"] {
      // What is pushed may be looked for, by whoever shows a certificate.
      #expect(bench.send("POST", "/v2/\(name)/blobs/uploads/", certificate: ["ci"]).status == 202)
    }
    for credentials in [nil, token(bench, "repository:b:pull"), token(bench, "registry:catalog:*", sub: "bob")] {
      bench.authorization = credentials
      #expect(bench.send("GET", "/v2/a/tags/list", certificate: ["ci"]).status == 404)
      #expect(bench.send("GET", "/v2/_catalog", certificate: ["ci"]).status == 200)
      #expect(bench.send("GET", "/v2/a/tags/list").status != 404)
    }
    // By logging in more is to be had, so who shows a certificate is asked to.
    bench.authorization = nil
    #expect(bench.send("GET", "/v2/", certificate: ["ci"]).status == 401)
  }

  @Test("With rules the catalog holds no repository that the token names and does not let be pulled")
  func catalogOfScopes() throws {
    let bench = bench([AccessRule(subjects: [.anyUser], actions: [.pull, .push, .catalog])])
    for name in ["a", "b", "c"] {
      bench.authorization = token(bench, "repository:\(name):pull,push")
      bench.pushImage(to: name)
    }
    bench.authorization = token(bench, "registry:catalog:*")
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"a\",\"b\",\"c\"]}\n")
    bench.authorization = token(bench, "registry:catalog:*", "repository:b:pull", "repository:c:push")
    #expect(bench.send("GET", "/v2/_catalog").text == "{\"repositories\":[\"b\"]}\n")
  }

  @Test("With autoredirect the realm is on the host that the client asked for") func redirects() {
    let bench = bench(redirectPath: "/auth/token")
    func realm(_ fields: KeyValuePairs<String, String>) -> String? {
      bench.send("GET", "/v2/", fields)["WWW-Authenticate"]?.split(separator: "\"").dropFirst()
        .first.map(String.init)
    }
    #expect(realm([:]) == "https://registry.test:5000/auth/token")
    #expect(realm(["X-Forwarded-Proto": "http"]) == "http://registry.test:5000/auth/token")
    #expect(realm(["X-Forwarded-Proto": "javascript"]) == "https://registry.test:5000/auth/token")
    #expect(realm(["Host": "other.test"]) == "https://other.test/auth/token")
  }

  @Test("Keys that cannot be looked up are a fault of ours, and let nobody in") func unusable() {
    let bench = bench()
    bench.authorization = token(bench, "repository:a:pull")
    #expect(bench.send("GET", "/v2/").status == 200)
    let world = bench.simulation.world
    bench.simulation.run {
      await world.workers.run {
        do { _ = try world.files.remove("/roots") } catch { preconditionFailure("\(error)") }
      }
    }
    bench.simulation.wallClock.shift(by: .seconds(1))
    let reply = bench.send("GET", "/v2/")
    #expect(reply.status == 503 && reply.code == "UNAVAILABLE" && reply["Retry-After"] == "5")
    #expect(!reply.text.contains("/roots"))
  }
}
