// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryServer
import GantryTokenMint
import GantryWorld
import Synchronization

/// A small token server: alice gets whatever she asks for, nobody gets to pull from `public/…`, and a wrong password
/// gets nothing.
final class TokenServer: Sendable {
  static let issuer = "the token server of the tests"
  static let service = "registry.test"

  /// Where clients ask for tokens.
  let realm: String
  private let group: LoopGroup
  private let running: (server: HTTPServer, task: LoopTask)

  /// Listens. The header of its tokens has `header` behind the algorithm.
  init(_ key: MintKey, _ algorithm: String, header: String, password: String) throws {
    let group = LoopGroup(loops: 1, workers: 1)
    let socket = try BoundSocket(GantryWorld.ListenAddress.tcp(host: "127.0.0.1", port: 0))
    let started = Started()
    spawn(on: group.loops[0]) {
      do {
        let server = HTTPServer(
          world: group.world, listeners: [try socket.listener(on: group.loops[0])],
          limits: ServerLimits(),
          responder: { _ in
            TokenResponder(
              key: key, algorithm: algorithm, header: header, password: password, world: group.world
            )
          }, report: { _ in })
        started.running.withLock {
          $0 = (server, spawn(on: group.loops[0]) { await server.serve() })
        }
      } catch {
        preconditionFailure("the token server listens: \(error)")
      }
      started.gate.open()
    }
    started.gate.wait()
    guard let made = started.running.withLock({ $0 }), case .tcp(_, let port) = socket.address
    else {
      preconditionFailure("it listens on TCP")
    }
    self.running = made
    self.group = group
    realm = "http://127.0.0.1:\(port)/token"
  }

  func stop() {
    let gate = ThreadGate()
    let running = running
    spawn(on: group.loops[0]) {
      await running.server.drain(within: .zero)
      await running.task.value
      gate.open()
    }
    gate.wait()
    group.stop()
  }

  private final class Started: Sendable {
    let gate = ThreadGate()
    let running = Mutex<(server: HTTPServer, task: LoopTask)?>(nil)
  }
}

/// Answers `GET /token?service=…&scope=…&scope=…`.
private struct TokenResponder: RequestResponder {
  let key: MintKey
  let algorithm: String
  let header: String
  let password: String
  let world: World

  func respond(to request: Request) async -> GantryHTTPService.Response {
    guard request.head.method == .get, request.head.path.elementsEqual("/token".utf8),
      // What is no query asks for nothing.
      let query = try? Query(parsing: request.head.query ?? []),
      query.first("service") == TokenServer.service
    else { return GantryHTTPService.Response(status: HTTPStatus(404)) }
    var user = ""
    if let field = request.head.fieldText("authorization") {
      guard field == "Basic \(MintToken.base64(Array("alice:\(password)".utf8)))" else {
        return GantryHTTPService.Response(status: HTTPStatus(401))
      }
      user = "alice"
    }
    let scopes = query.all("scope").flatMap { $0.split { $0 == " " || $0 == "+" }.map(String.init) }
    let access = scopes.compactMap { grant($0, to: user) }.joined(separator: ",")
    let now = world.clock.now
    let claims =
      #"{"iss":"\#(TokenServer.issuer)","sub":"\#(user)","aud":"\#(TokenServer.service)","exp":\#(now.seconds + 300),"#
      + #""nbf":\#(now.seconds),"iat":\#(now.seconds),"jti":"x","access":[\#(access)]}"#
    let token = MintToken.token(key, algorithm, header: header, claims)
    var fields = Fields()
    fields.append("Content-Type", "application/json")
    let text =
      #"{"token":"\#(token)","access_token":"\#(token)","expires_in":300,"issued_at":"\#(now.rfc3339)"}"#
    return GantryHTTPService.Response(status: HTTPStatus(200), fields: fields, body: .bytes(Array(text.utf8)))
  }

  func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> GantryHTTPService.Response {
    GantryHTTPService.Response(status: HTTPStatus(400))
  }

  func finished(_ outcome: ResponseOutcome) {}

  /// `type:name:action,action` as an element of the claim `access`, as far as it is granted.
  private func grant(_ scope: String, to user: String) -> String? {
    let parts = scope.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(
      String.init)
    guard parts.count == 3 else { return nil }
    var actions = parts[2].split(separator: ",").map(String.init)
    if user.isEmpty {
      actions = parts[1].hasPrefix("public/") ? actions.filter { $0 == "pull" } : []
    }
    let list = actions.map { "\"\($0)\"" }.joined(separator: ",")
    return #"{"type":"\#(parts[0])","name":"\#(parts[1])","actions":[\#(list)]}"#
  }
}
