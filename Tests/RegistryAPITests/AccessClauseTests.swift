// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPWire
import GantryLimiting
import GantryOCI
import GantryPasswordHash
import GantryPatterns
import GantryRegistry
import GantryRegistryAPI
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Logging
import Testing

/// Who gets in, with which status and which words.
struct AccessClauseTests {
  /// alice:wonder, bob:builder and admin:root.
  static let alice = "Basic YWxpY2U6d29uZGVy"
  static let bob = "Basic Ym9iOmJ1aWxkZXI="
  static let admin = "Basic YWRtaW46cm9vdA=="

  func bench(
    _ rules: [AccessRule]?, method: AuthenticationMethod = .htpasswd(realm: "a \"realm\"", path: "/users"),
    protected: [TagProtection] = [], brake: LoginBrake? = nil, settings: APISettings? = nil,
    limiter: RequestLimiter? = nil, logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
    accessLog: AccessLog? = nil, observation: Observation = Observation()
  ) -> Bench {
    let policy = RegistryPolicy(allowsDeletion: true, protectedTags: protected)
    let bench = Bench(
      policy: policy, settings: settings, limiter: limiter,
      access: { world in
        AccessControl(
          world: world, method: method, rules: rules.map(AccessRules.init), secret: Bench.secret, brake: brake
        ) { _ in }
      }, logger: logger, accessLog: accessLog, observation: observation)
    let world = bench.simulation.world
    let lines = [("alice", "wonder"), ("bob", "builder"), ("admin", "root")].map { name, password in
      guard let hash = BcryptHash(hashing: Array(password.utf8), salt: Array(repeating: 3, count: 16), cost: 4) else {
        preconditionFailure("no password holds a NUL")
      }
      return "\(name):\(hash.text)\n"
    }
    bench.simulation.run {
      await world.workers.run {
        do { try world.files.open("/users", .create(mode: 0o600)).write(Array(lines.joined().utf8), at: 0) } catch {
          preconditionFailure("the file is written: \(error)")
        }
      }
    }
    return bench
  }

  /// Everybody pulls from public, users everywhere but secret; bob pushes to bob, admin does everything.
  private func rules() throws -> [AccessRule] {
    [
      AccessRule(subjects: [.anyone], repositories: [try Glob("public/**")], actions: [.pull]),
      AccessRule(subjects: [.anyone], actions: [.catalog]),
      AccessRule(subjects: [.user("bob")], repositories: [try Glob("bob/**")], actions: [.pull, .push]),
      AccessRule(subjects: [.user("admin")], actions: Set(AccessAction.allCases)),
    ]
  }

  @Test("Every endpoint is behind htpasswd; the two above /v2/ are not") func everything() {
    let bench = bench(nil)
    let digest = "sha256:" + String(repeating: "0", count: 64)
    let targets = [
      ("GET", "/v2/", "null"), ("HEAD", "/v2/", ""),
      ("GET", "/v2/_catalog", #"[{"Type":"registry","Class":"","Name":"catalog","Action":"*"}]"#),
      ("GET", "/v2/a/b/tags/list", #"[{"Type":"repository","Class":"","Name":"a/b","Action":"pull"}]"#),
      ("GET", "/v2/a/manifests/x", #""Action":"pull"}]"#), ("HEAD", "/v2/a/blobs/\(digest)", ""),
      ("PUT", "/v2/a/manifests/x", #""Action":"pull"},{"Type":"repository","Class":"","Name":"a","Action":"push"}]"#),
      ("POST", "/v2/a/blobs/uploads/?mount=\(digest)&from=c", #""Name":"c","Action":"pull"}]"#),
      ("PATCH", "/v2/a/blobs/uploads/x", "push"), ("DELETE", "/v2/a/manifests/x", #""Action":"delete"}]"#),
      ("DELETE", "/v2/a/blobs/\(digest)", "delete"), ("GET", "/v2/a/referrers/\(digest)", "pull"),
    ]
    for credentials in [nil, "Basic YWxpY2U6d3Jvbmc=", "Basic bm9ib2R5Og==", "Bearer abc", "nonsense"] {
      bench.authorization = credentials
      for (method, target, detail) in targets {
        let reply = bench.send(method, target, body: method == "PUT" ? [1] : nil)
        #expect(reply.status == 401, "\(method) \(target) \(credentials ?? "-"): \(reply.status)")
        #expect(reply["WWW-Authenticate"] == #"Basic realm="a \"realm\"""#)
        #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
        if method != "HEAD" {
          #expect(reply.code == "UNAUTHORIZED" && reply.text.contains(#""message":"authentication required""#))
          #expect(reply.text.contains(detail), "\(method) \(target): \(reply.text)")
        }
      }
      #expect(bench.send("GET", "/").status == 200 && bench.send("GET", "/v2").status == 301)
    }
    bench.authorization = Self.alice
    #expect(bench.send("GET", "/v2/").status == 200)
    let image = bench.pushImage(to: "a")
    for _ in 1...2 { #expect(bench.send("GET", "/v2/a/manifests/latest").body == image.bytes) }
    // What is hot is behind it too.
    bench.authorization = nil
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 401)
    #expect(bench.send("GET", "/v2/_token", ["Authorization": Self.alice]).status == 404)
  }

  @Test("silly asks for a Bearer token with the scope of the request, and takes anything") func silly() {
    let bench = bench(nil, method: .silly(realm: "R", service: "S"))
    #expect(bench.send("GET", "/v2/")["WWW-Authenticate"] == #"Bearer realm="R",service="S""#)
    #expect(
      bench.send("PUT", "/v2/a/manifests/x", body: [1])["WWW-Authenticate"]
        == #"Bearer realm="R",service="S",scope="repository:a:pull repository:a:push""#)
    #expect(bench.send("GET", "/v2/", ["Authorization": "seriously, anything"]).status == 200)
  }

  @Test("Anonymous pull with authenticated push: 401 for whoever can still log in, 403 for whoever has")
  func anonymousPull() throws {
    let bench = bench([
      AccessRule(subjects: [.anyone], actions: [.pull]),
      AccessRule(subjects: [.anyUser], actions: [.pull, .push]),
    ])
    bench.authorization = Self.alice
    let image = bench.pushImage(to: "a")
    bench.authorization = nil
    #expect(bench.send("GET", "/v2/a/manifests/latest").body == image.bytes)
    #expect(bench.send("GET", "/v2/a/manifests/latest").body == image.bytes)
    let base = bench.send("GET", "/v2/")
    #expect(base.status == 401)
    #expect(
      base["WWW-Authenticate"] == #"Bearer realm="http://registry.test:5000/v2/_token",service="a \"realm\"""#)
    let push = bench.send("POST", "/v2/a/blobs/uploads/")
    #expect(push.status == 401 && push.code == "UNAUTHORIZED")
    #expect(push["WWW-Authenticate"]?.hasSuffix(#",scope="repository:a:pull,push""#) == true)
    let delete = bench.send("DELETE", "/v2/a/manifests/latest", ["Authorization": Self.alice])
    #expect(delete.status == 403 && delete.code == "DENIED", "\(delete.text)")
    // Wrong passwords are wrong, even where nobody needs one.
    #expect(bench.send("GET", "/v2/a/manifests/latest", ["Authorization": "Basic YWxpY2U6eA=="]).status == 401)
    // Tokens: nobody's pulls, alice's pushes.
    func token(_ fields: KeyValuePairs<String, String>) throws -> String {
      let reply = bench.send("GET", "/v2/_token?service=x&scope=repository:a:push", fields)
      #expect(reply.status == 200 && reply["Cache-Control"] == "no-store", "\(reply.text)")
      let start = try #require(reply.text.range(of: "\"token\":\""))
      return "Bearer " + String(reply.text[start.upperBound...].prefix { $0 != "\"" })
    }
    let nobodys = try token([:])
    #expect(bench.send("GET", "/v2/", ["Authorization": nobodys]).status == 200)
    #expect(bench.send("GET", "/v2/a/manifests/latest", ["Authorization": nobodys]).status == 200)
    #expect(bench.send("POST", "/v2/a/blobs/uploads/", ["Authorization": nobodys]).status == 401)
    #expect(
      bench.send("POST", "/v2/a/blobs/uploads/", ["Authorization": try token(["Authorization": Self.alice])]).status
        == 202)
    let wrong = bench.send("GET", "/v2/_token", ["Authorization": "Basic YWxpY2U6eA=="])
    #expect(wrong.status == 401 && wrong["WWW-Authenticate"]?.hasPrefix("Basic ") == true)
    #expect(bench.send("POST", "/v2/_token", body: []).status == 405)
    // A token that was overheard ends after its five minutes: it is not exchanged for another one.
    for token in [nobodys, try token(["Authorization": Self.alice])] {
      let renewal = bench.send("GET", "/v2/_token", ["Authorization": token])
      #expect(renewal.status == 401 && renewal["WWW-Authenticate"]?.hasPrefix("Basic ") == true, "\(renewal.text)")
    }
  }

  /// The token that the registry gives whoever asks like this.
  static func token(_ bench: Bench, _ fields: KeyValuePairs<String, String> = [:]) throws -> String {
    let reply = bench.send("GET", "/v2/_token", fields)
    let start = try #require(reply.text.range(of: "\"token\":\""), "\(reply.text)")
    return "Bearer " + String(reply.text[start.upperBound...].prefix { $0 != "\"" })
  }

  @Test("A certificate adds to what a user may; who shows one is asked for a login all the same, and needs none")
  func certificates() throws {
    let bench = bench([
      AccessRule(subjects: [.anyCertificate], actions: [.pull]),
      AccessRule(subjects: [.anyUser], repositories: [try Glob("team/*")], actions: [.push]),
    ])
    let base = bench.send("GET", "/v2/", certificate: ["ci"])
    #expect(base.status == 401 && base["WWW-Authenticate"]?.hasPrefix("Bearer realm=") == true)
    #expect(bench.send("GET", "/v2/team/a/tags/list", certificate: ["ci"]).status == 404)
    // As Docker does: without a login a token for nobody, with one a token for the user, and a wrong one is told.
    let nobodys = try Self.token(bench)
    #expect(bench.send("GET", "/v2/", ["Authorization": nobodys], certificate: ["ci"]).status == 200)
    #expect(bench.send("GET", "/v2/team/a/tags/list", ["Authorization": nobodys], certificate: ["ci"]).status == 404)
    #expect(bench.send("GET", "/v2/team/a/tags/list", ["Authorization": nobodys]).status == 401)
    #expect(bench.send("GET", "/v2/_token", ["Authorization": "Basic YWxpY2U6eA=="], certificate: ["ci"]).status == 401)
    for credentials in [Self.alice, try Self.token(bench, ["Authorization": Self.alice])] {
      func status(_ method: String, _ target: String, _ names: [String]) -> Int {
        bench.send(method, target, ["Authorization": credentials], certificate: names).status
      }
      #expect(status("GET", "/v2/", ["ci"]) == 200)
      #expect(status("POST", "/v2/team/a/blobs/uploads/", ["ci"]) == 202)
      #expect(status("GET", "/v2/team/a/tags/list", ["ci"]) == 404 && status("GET", "/v2/team/a/tags/list", []) == 403)
    }
  }

  @Test("A rule that is there and grants nothing lets nobody do anything, with and without auth") func noGrant() {
    for method in [AuthenticationMethod.none, .htpasswd(realm: "r", path: "/users")] {
      let bench = bench([], method: method)
      bench.authorization = method == .none ? nil : Self.alice
      for (verb, target) in [("GET", "/v2/a/tags/list"), ("POST", "/v2/a/blobs/uploads/"), ("GET", "/v2/_catalog")] {
        let reply = bench.send(verb, target)
        #expect(reply.status == 403 && reply.code == "DENIED", "\(verb) \(target): \(reply.text)")
      }
    }
  }

  @Test("What is put in force at a reload counts from the next request on, hot or not") func replaced() {
    let bench = bench([AccessRule(subjects: [.anyone], actions: [.pull, .push])], method: .none)
    bench.pushImage(to: "a")
    for _ in 1...2 { #expect(bench.send("GET", "/v2/a/manifests/latest").status == 200) }
    bench.accessSource.replace(
      with: AccessControl(
        world: bench.simulation.world, method: .none, rules: AccessRules([]), secret: Bench.secret
      ) { _ in })
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 403)
    bench.accessSource.replace(with: nil)
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 200)
  }

  @Test("Ending an upload a second time tells nobody what is there who may not pull") func endedTwice() {
    let bench = bench([
      AccessRule(subjects: [.user("alice")], actions: [.pull, .push]),
      AccessRule(subjects: [.user("bob")], actions: [.push]),
    ])
    bench.authorization = Self.alice
    let secret = Array("secret".utf8)
    let digest = bench.pushBlob(secret, to: "a")
    for (caller, status) in [(Self.alice, 201), (Self.bob, 404)] {
      bench.authorization = caller
      let location = bench.send("POST", "/v2/a/blobs/uploads/").location
      #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: secret).status == 201)
      #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: secret).status == status)
      // One that was cancelled has put nothing there.
      let cancelled = bench.send("POST", "/v2/a/blobs/uploads/").location
      #expect(bench.send("DELETE", cancelled).status == 204)
      #expect(bench.send("PUT", "\(cancelled)&digest=\(digest)", body: []).status == 404)
    }
  }

  @Test("Rules without auth deny with 403: there is nothing to log in to") func rulesAlone() {
    let bench = bench([AccessRule(subjects: [.anyone], actions: [.pull])], method: .none)
    #expect(bench.send("GET", "/v2/").status == 200)
    #expect(bench.send("GET", "/v2/a/tags/list").status == 404)
    let push = bench.send("POST", "/v2/a/blobs/uploads/", ["Authorization": Self.alice])
    #expect(push.status == 403 && push.code == "DENIED" && push["WWW-Authenticate"] == nil)
    #expect(bench.send("GET", "/v2/_catalog").status == 403)
  }

  @Test("The catalog shows what the caller may pull, page by page, and no Link tells of more") func catalog() throws {
    let bench = bench(try rules())
    bench.authorization = Self.admin
    for name in ["a", "bob/x", "bob/y", "public/1", "public/2", "secret/z"] { bench.pushImage(to: name) }
    func names(_ credentials: String?, _ query: String = "") -> String {
      bench.authorization = credentials
      return bench.send("GET", "/v2/_catalog\(query)").text
    }
    #expect(names(Self.admin).contains("secret/z"))
    #expect(names(nil) == "{\"repositories\":[\"public/1\",\"public/2\"]}\n")
    #expect(names(Self.bob) == "{\"repositories\":[\"bob/x\",\"bob/y\",\"public/1\",\"public/2\"]}\n")
    bench.authorization = nil
    let page = bench.send("GET", "/v2/_catalog?n=1")
    #expect(page.text == "{\"repositories\":[\"public/1\"]}\n")
    #expect(page["Link"] == "</v2/_catalog?last=public%2F1&n=1>; rel=\"next\"")
    let last = bench.send("GET", "/v2/_catalog?n=1&last=public%2F1")
    #expect(last.text == "{\"repositories\":[\"public/2\"]}\n" && last["Link"] == nil)
  }

  @Test("A mount needs pull on its source, and never tells that a blob is there") func mounts() throws {
    let bench = bench(try rules())
    bench.authorization = Self.admin
    let hidden = bench.pushBlob(Array("hidden".utf8), to: "secret/z")
    let open = bench.pushBlob(Array("open".utf8), to: "public/1")
    let absent = Bench.digest(of: Array("absent".utf8))
    bench.authorization = Self.bob
    func mount(_ digest: Digest, _ from: String = "") -> Int {
      bench.send("POST", "/v2/bob/x/blobs/uploads/?mount=\(digest)\(from)").status
    }
    for digest in [hidden, absent] {
      #expect(mount(digest) == 202 && mount(digest, "&from=secret/z") == 202, "\(digest)")
      #expect(bench.send("HEAD", "/v2/bob/x/blobs/\(digest)").status == 404)
      let denied = bench.send("GET", "/v2/secret/z/blobs/\(digest)")
      #expect(denied.status == 403 && denied.code == "DENIED")
    }
    #expect(mount(open, "&from=public/1") == 201)
    bench.authorization = Self.admin
    #expect(bench.send("DELETE", "/v2/bob/x/blobs/\(open)").status == 202)
    bench.authorization = Self.bob
    #expect(mount(open) == 201)
    bench.authorization = Self.admin
    #expect(mount(hidden) == 201)
  }

  @Test("A protected tag is set once; the same digest again is fine") func immutableTags() throws {
    let protection = TagProtection(tags: [try Glob("v*")], repositories: [try Glob("prod/*")])
    let bench = bench(nil, protected: [protection])
    bench.authorization = Self.alice
    let first = bench.pushImage("1", to: "prod/app", as: "v1")
    let other = bench.pushImage("2", to: "prod/app", as: "latest")
    func put(_ bytes: [UInt8], _ reference: String, in name: String = "prod/app") -> Reply {
      bench.send(
        "PUT", "/v2/\(name)/manifests/\(reference)", ["Content-Type": MediaType.ociManifest.text], body: bytes)
    }
    #expect(put(first.bytes, "v1").status == 201)
    for reply in [put(other.bytes, "v1"), put(other.bytes, "\(other.digest)?tag=new&tag=v1")] {
      #expect(reply.status == 403 && reply.code == "DENIED", "\(reply.text)")
      #expect(reply.text.contains("the tag 'v1' is immutable here") && reply.text.contains("\(first.digest)"))
    }
    #expect(bench.send("GET", "/v2/prod/app/manifests/new").status == 404)
    #expect(bench.send("DELETE", "/v2/prod/app/manifests/v1").code == "DENIED")
    #expect(bench.send("DELETE", "/v2/prod/app/manifests/\(first.digest)").code == "DENIED")
    #expect(bench.send("GET", "/v2/prod/app/manifests/v1").body == first.bytes)
    #expect(put(first.bytes, "latest").status == 201)
    #expect(bench.send("DELETE", "/v2/prod/app/manifests/latest").status == 202)
    #expect(bench.send("DELETE", "/v2/prod/app/manifests/v9").status == 404)
    // Elsewhere tags move.
    bench.pushImage("1", to: "dev/app", as: "v1")
    bench.pushImage("2", to: "dev/app", as: "v1")
  }

  @Test("Users that cannot be looked up are a fault of ours, and let nobody in") func unreadable() {
    let bench = bench(nil)
    bench.authorization = Self.alice
    #expect(bench.send("GET", "/v2/").status == 200)
    let world = bench.simulation.world
    bench.simulation.run {
      await world.workers.run {
        do { _ = try world.files.remove("/users") } catch { preconditionFailure("\(error)") }
      }
    }
    let reply = bench.send("GET", "/v2/")
    #expect(reply.status == 503 && reply.code == "UNAVAILABLE" && reply["Retry-After"] == "5")
    #expect(!reply.text.contains("/users"))
  }
}
