// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops

/// One client of a run: a connection, a seeded source of choices, and the words to ask a registry with.
///
/// Isolation: belongs to one loop.
final class Client: @unchecked Sendable {
  // Safe because: touched on its lane's loop only.

  let lane: Lane
  let site: Site
  /// Its number among the clients of the round.
  let index: Int
  let connection: Connection
  let authorizer: Authorizer
  var random: SeededRandom

  init(lane: Lane, site: Site, index: Int, seed: UInt64, authorizer: Authorizer) {
    (self.lane, self.site, self.index, self.authorizer) = (lane, site, index, authorizer)
    connection = Connection(lane: lane, endpoint: site.endpoint)
    random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(index))
  }

  /// Another connection of the same client.
  func another() -> Connection { Connection(lane: lane, endpoint: site.endpoint) }

  /// Sends a request over the client's connection and takes one of the statuses it may get; answers a challenge once.
  @discardableResult
  func send(_ request: Request, _ payload: Payload = .none, into sink: Sink = .drop) async throws(LoadError) -> Int {
    try await send(request, payload, into: sink, over: connection)
  }

  /// Goes on with a request that is out over the client's connection, and takes one of the statuses it may get.
  func resume(_ request: Request, sent: Int?, into sink: Sink) async throws(LoadError) {
    try await connection.resume(
      request, authorization: authorizer.header(request.scope), sent: sent, into: sink)
    // A token that ran out is renewed by asking anew.
    if connection.head.status == 401 { return _ = try await send(request, into: sink) }
    guard request.statuses.contains(connection.head.status) else { throw connection.refused(request) }
  }

  /// The same over another connection of the client.
  @discardableResult
  func send(_ request: Request, _ payload: Payload, into sink: Sink, over connection: Connection)
    async throws(LoadError) -> Int
  {
    let authorization = authorizer.header(request.scope)
    try await connection.exchange(request, payload, authorization: authorization, into: sink)
    if connection.head.status == 401, !request.statuses.contains(401) {
      let challenge = connection.field("WWW-Authenticate")
      if try await authorizer.answer(challenge, to: request, used: authorization, lane: lane) {
        try await connection.exchange(
          request, payload, authorization: authorizer.header(request.scope), into: sink)
        if connection.head.status == 401, let refusal = authorizer.refusal(of: request) { throw refusal }
      }
    }
    guard request.statuses.contains(connection.head.status) else { throw connection.refused(request) }
    return connection.head.status
  }

  /// The target's path of a name below `/v2/`.
  func path(_ rest: String) -> String { site.endpoint.url.path + "/v2/" + rest }

  /// The path of a Location field: it may not lead to another server.
  func location(of request: Request) throws(LoadError) -> String {
    let what = request.description(at: site.endpoint.url)
    guard let text = connection.field("Location") else {
      throw LoadError(.protocol, "\(what): the answer has no Location")
    }
    guard text.contains("://") else {
      guard text.hasPrefix("/") else { throw LoadError(.protocol, "\(what): Location \"\(text)\" is no path") }
      return text
    }
    let url: TargetURL
    do throws(InputError) { url = try TargetURL(text) } catch {
      throw LoadError(.protocol, "\(what): Location: \(error)")
    }
    guard url.hasSameOrigin(as: site.endpoint.url) else {
      throw LoadError(.protocol, "\(what): Location \"\(text)\" leads to another server, which was not given to us")
    }
    return url.path
  }
}

/// A target of a run, as all loops know it.
struct Site: Sendable {
  let target: Target
  let endpoint: Endpoint
  /// Token services that the target may send us to.
  let tokenServices: [Endpoint]

  /// Resolves everything. Blocks.
  init(_ target: Target, tokenServices: [TargetURL], _ trust: TrustSettings) throws(InputError) {
    self.target = target
    endpoint = try Endpoint(target.url, trust)
    var services: [Endpoint] = []
    for url in tokenServices { services.append(try Endpoint(url, trust)) }
    self.tokenServices = services
  }
}

/// A registry, or a server of static files, that is measured.
public struct Target: Sendable {
  /// How it is called in reports.
  public var name: String
  /// Where it is.
  public var url: TargetURL
  /// Name and password, where it asks for them.
  public var credentials: Credentials?
  /// A token that is sent with each request, without being asked for.
  public var token: String?
  /// Whether it serves files only: nothing is pushed to it, what is pulled lies there already.
  public var isStatic: Bool
  /// The process on this machine whose processor time and memory are measured, with its children.
  public var process: Int?

  /// Makes a target.
  public init(
    name: String, url: TargetURL, credentials: Credentials? = nil, isStatic: Bool = false, process: Int? = nil
  ) {
    (self.name, self.url, self.credentials) = (name, url, credentials)
    (self.isStatic, self.process) = (isStatic, process)
  }
}

/// A name and a password.
public struct Credentials: Sendable, Hashable {
  /// The name.
  public var user: String
  /// The password.
  public var password: String

  /// Makes credentials.
  public init(user: String, password: String) { (self.user, self.password) = (user, password) }
}
