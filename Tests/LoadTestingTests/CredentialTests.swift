// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import Synchronization
import Testing

@testable import GantryLoadTesting

/// The load tool before servers that ask who it is, and that it asks who they are.
@Suite("Users, tokens and certificates", .serialized)
struct CredentialTests {
  private static func measure(
    _ url: String, user: Credentials? = nil, token: String? = nil, trust: TrustSettings = TrustSettings(),
    tokenServices: [String] = [],
    clients: Int = 2
  ) throws -> RunReport {
    var spec = ScenarioSpec(name: "get", kind: .get)
    (spec.clients, spec.operations, spec.warmup, spec.path) = (clients, 20, 0, "/v2/")
    spec.timeout = 20_000_000_000
    var plan = Conductor.Plan(
      scenarios: [spec], targets: [Target(name: "registry", url: try TargetURL(url), credentials: user)])
    plan.targets[0].token = token
    plan.trust = trust
    plan.tokenServices = try tokenServices.map { text throws(InputError) in try TargetURL(text) }
    return try Conductor.run(plan, loops: 1, stop: StopSign()) { _ in }
  }

  private static func expectAllAnswered(_ report: RunReport, _ count: UInt64 = 40) {
    #expect(report.problems == [])
    let tally = report.scenarios[0].targets[0].rounds.first?.tally
    #expect(tally?.operations == count)
    #expect(tally?.faults == [:], "\(tally?.firstFaults ?? [:])")
  }

  private static let user = Credentials(user: "ann", password: "s3cret: ü")
  // printf 'ann:s3cret: ü' | base64
  private static let basic = "Basic YW5uOnMzY3JldDogw7w="

  // MARK: Basic

  @Sendable private static func asksForUser(_ request: CannedServer.Request) -> CannedServer.Answer {
    if request.authorization == basic { return CannedServer.Answer() }
    return CannedServer.Answer(status: 401, fields: [("WWW-Authenticate", "Basic realm=\"r\"")])
  }

  @Test("A Basic challenge is answered, once for all connections of a loop")
  func basicChallenge() throws {
    let server = try CannedServer(nil, Self.asksForUser)
    defer { server.stop() }
    Self.expectAllAnswered(try Self.measure("http://127.0.0.1:\(server.port)", user: Self.user))
    // The first request of the preparation and those of two clients may be asked; none after them.
    #expect(server.lines.count <= 1 + 40 + 3)
  }

  @Test(
    "Wrong credentials are told for what they are",
    arguments: [
      (Credentials(user: "ann", password: "wrong"), "the registry refuses this user and password"),
      (nil, "the registry asks for a user; give one with --user"),
    ])
  func wrongUser(_ user: Credentials?, _ words: String) throws {
    let server = try CannedServer(nil, Self.asksForUser)
    defer { server.stop() }
    let report = try Self.measure("http://127.0.0.1:\(server.port)", user: user)
    #expect(report.problems.count == 1)
    #expect(report.problems[0].hasPrefix("get at registry: "), "\(report.problems)")
    #expect(report.problems[0].contains("GET http://127.0.0.1:\(server.port)/v2/: status 401: \(words)"))
  }

  // MARK: Bearer

  private static func challenge(_ realm: String) -> CannedServer.Answer {
    CannedServer.Answer(
      status: 401,
      fields: [("WWW-Authenticate", "Bearer realm=\"\(realm)\",service=\"s\",scope=\"repository:a/b:pull\"")])
  }

  /// A registry whose tokens are good for so many requests, and the token service, which is the same server when
  /// `service` is nil.
  private static func tokenRegistry(service: String?, goodFor uses: Int) throws -> CannedServer {
    let port = Mutex<UInt16>(0)
    let issued = Mutex((number: 0, uses: 0))
    let server = try CannedServer { request in
      if request.line.hasPrefix("GET /token?") {
        guard request.authorization == basic else { return CannedServer.Answer(status: 401) }
        let number = issued.withLock { issued in
          issued = (issued.number + 1, 0)
          return issued.number
        }
        return CannedServer.Answer(body: "{\"expires_in\":60, \"token\" : \"t\(number)\"}")
      }
      let isGood = issued.withLock { issued in
        // A service elsewhere tells us nothing; and tokens that never run out are not ended by newer ones.
        let isForever = service != nil || uses == .max
        let wanted = "Bearer t" + (isForever ? "" : "\(issued.number)")
        guard request.authorization?.hasPrefix(wanted) == true else { return false }
        issued.uses += 1
        return issued.uses <= uses
      }
      if isGood { return CannedServer.Answer() }
      return challenge(service ?? "http://127.0.0.1:\(port.withLock { $0 })/token")
    }
    port.withLock { $0 = server.port }
    return server
  }

  @Test("A token is fetched once, with service and scope of the challenge")
  func token() throws {
    let server = try Self.tokenRegistry(service: nil, goodFor: .max)
    defer { server.stop() }
    Self.expectAllAnswered(try Self.measure("http://127.0.0.1:\(server.port)", user: Self.user))
    let fetches = server.lines.filter { $0.hasPrefix("GET /token") }
    // One for the preparation, and one for each client that was asked before another had one.
    #expect((2...3).contains(fetches.count), "\(fetches)")
    #expect(fetches.allSatisfy { $0 == "GET /token?service=s&scope=repository%3Aa%2Fb%3Apull" }, "\(fetches)")
  }

  @Test("A token that was given is sent with each request, unasked; one that is refused is told of")
  func fixedToken() throws {
    let server = try CannedServer(nil) { request in
      request.authorization == "Bearer t1" ? CannedServer.Answer() : Self.challenge("http://127.0.0.1/token")
    }
    defer { server.stop() }
    let url = "http://127.0.0.1:\(server.port)"
    let report = try Self.measure(url, token: "t1")
    Self.expectAllAnswered(report)
    #expect(server.lines.allSatisfy { $0.hasPrefix("GET /v2/") }, "\(server.lines)")
    let refused = try Self.measure(url, token: "t2")
    #expect(refused.problems.count == 1)
    #expect(
      refused.problems.first?.contains("status 401: the registry refuses this token") == true, "\(refused.problems)")
  }

  @Test("A token that ran out is fetched anew")
  func expiry() throws {
    let server = try Self.tokenRegistry(service: nil, goodFor: 7)
    defer { server.stop() }
    Self.expectAllAnswered(try Self.measure("http://127.0.0.1:\(server.port)", user: Self.user, clients: 1), 20)
    #expect(server.lines.filter { $0.hasPrefix("GET /token") }.count == 4)
  }

  @Test("A token service elsewhere is asked only when it was allowed")
  func tokenService() throws {
    let service = try CannedServer { _ in CannedServer.Answer(body: "{\"token\":\"t1\"}") }
    defer { service.stop() }
    let realm = "http://127.0.0.1:\(service.port)/token"
    for isAllowed in [false, true] {
      let server = try Self.tokenRegistry(service: realm, goodFor: .max)
      defer { server.stop() }
      let report = try Self.measure(
        "http://127.0.0.1:\(server.port)", user: Self.user,
        tokenServices: isAllowed ? ["http://127.0.0.1:\(service.port)"] : [], clients: 1)
      if isAllowed {
        #expect(service.lines.count == 2, "\(service.lines)")
      } else {
        #expect(report.problems.count == 1)
        #expect(report.problems[0].contains("the token service \(realm), which was not given to us"))
        #expect(service.lines == [])
      }
    }
  }

  @Test(
    "A token service that misbehaves is told for what it is",
    arguments: [
      (CannedServer.Answer(status: 401, body: "who?\n"), "/token?service=s&scope=repository%3Aa%2Fb%3Apull"),
      (CannedServer.Answer(body: "{}"), "/token: the answer has neither token nor access_token"),
      (CannedServer.Answer(body: "{\"token\":\"x\"}"), "status 401"),
    ])
  func badTokenService(_ answer: CannedServer.Answer, _ words: String) throws {
    let port = Mutex<UInt16>(0)
    let server = try CannedServer { request in
      if request.line.hasPrefix("GET /token?") { return answer }
      return Self.challenge("http://127.0.0.1:\(port.withLock { $0 })/token")
    }
    port.withLock { $0 = server.port }
    defer { server.stop() }
    let report = try Self.measure("http://127.0.0.1:\(server.port)", user: Self.user)
    #expect(report.problems.count == 1)
    #expect(report.problems.first?.contains(words) == true, "\(report.problems)")
  }

  // MARK: TLS

  @Test("A certificate that was given is believed, and any where that was asked for", arguments: [false, true])
  func certificate(_ isBlind: Bool) throws {
    let identity = try TestIdentity()
    let server = try CannedServer(identity, Self.asksForUser)
    defer { server.stop() }
    let trust = TrustSettings(certificates: isBlind ? nil : identity.certificate, isBlind: isBlind)
    Self.expectAllAnswered(
      try Self.measure("https://127.0.0.1:\(server.port)", user: Self.user, trust: trust))
  }

  @Test("A server that cannot show who it is is not talked to")
  func strangers() throws {
    let identity = try TestIdentity()
    let server = try CannedServer(identity) { _ in CannedServer.Answer() }
    defer { server.stop() }
    let unknown = try Self.measure("https://127.0.0.1:\(server.port)")
    #expect(
      unknown.problems == [
        "get at registry: connect: https://127.0.0.1:\(server.port): the TLS handshake failed: self-signed certificate"
      ])
    let misnamed = try Self.measure(
      "https://localhost:\(server.port)", trust: TrustSettings(certificates: identity.certificate))
    #expect(misnamed.problems.first?.contains("the TLS handshake failed: hostname mismatch") == true)
    #expect(server.lines == [], "a request was sent to a server that was not believed")
  }

  @Test("TLS to a server that speaks none fails at once, and says so")
  func plainServer() throws {
    let server = try CannedServer { _ in CannedServer.Answer() }
    defer { server.stop() }
    let report = try Self.measure("https://127.0.0.1:\(server.port)", trust: TrustSettings(isBlind: true))
    #expect(report.problems.count == 1)
  }

  @Test("Certificates that cannot be read are bad input")
  func unreadable() throws {
    #expect(throws: InputError.self) {
      try Self.measure("https://127.0.0.1:1", trust: TrustSettings(certificates: "/nowhere/ca.pem"))
    }
  }
}
