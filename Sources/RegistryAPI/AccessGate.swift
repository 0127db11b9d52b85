// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryWorld

/// Lets a request in or not, before anything else is done for it.
///
/// 401 with a challenge for whoever could help it by logging in, 403 for whoever has. What is judged is the name, so an
/// answer never tells whether something the caller may not see is there.
struct AccessGate {
  let context: APIContext

  /// Who makes the request; throws the refusal when that caller may not do this.
  func admit(_ call: Call, _ action: Endpoint.Action) async throws(Refusal) -> Caller {
    guard let access = context.access else { return .anonymous }
    // As in Distribution, these two tell nothing and are open to everybody.
    if action == .root || action == .redirectToBase { return .anonymous }
    let caller: Caller
    let fields = call.head.fieldTexts("authorization")
    let origin =
      fields.isEmpty || !access.checksCredentials
      ? nil : LoginOrigin(address: context.clients.address(of: call.request), now: context.loop.clock.now)
    do {
      caller = try await access.caller(authorization: fields, from: origin).certified(call.request.clientNames)
    } catch {
      throw refusal(error, call, action)
    }
    switch action {
    case .token:
      // Else a token that was overheard could be exchanged for another one for ever.
      if access.givesTokens, caller.credentials == .token { throw try unauthorized(call, action) }
    case .base:
      // A client learns here that it can log in, and how; so it is asked even where it may pull without.
      if caller.credentials == nil, access.challenge != nil, !access.isWelcome(caller) {
        throw try unauthorized(call, action)
      }
    case .catalog: try check(access.catalogVerdict(for: caller), caller, call, action)
    default:
      let (demand, alternative) = Self.demand(action)
      let verdict = access.verdict(demand, tokenAlternative: alternative, to: caller, on: try call.repository())
      try check(verdict, caller, call, action)
    }
    return caller
  }

  /// Who makes a request that reads what its maker is known to be allowed to read, without waiting for anything. Nil
  /// leaves it to ``admit(_:_:)``, which knows why, or lets it in after all.
  func readerAtOnce(_ request: borrowing Request, _ access: AccessControl) -> Caller? {
    guard let text = HotPath.repository(in: request.head.path, below: context.settings.prefix),
      // What is malformed is told by the way that follows.
      let name = try? RepositoryName(parsing: text),
      let caller = access.rememberedCaller(authorization: request.head.fieldTexts("authorization"))
    else { return nil }
    let certified = caller.certified(request.clientNames)
    return access.permits(.pull, to: certified, on: name) ? certified : nil
  }

  private func check(
    _ verdict: Verdict, _ caller: Caller, _ call: Call, _ action: Endpoint.Action
  ) throws(Refusal) {
    switch verdict {
    case .granted: return
    case .denied: throw try denied(caller, call, action)
    case .scopeMissing:
      var refusal = try unauthorized(call, action, error: "insufficient_scope")
      refusal.userName = caller.name
      refusal.cause = "the token does not say that its bearer may"
      throw refusal
    }
  }

  /// What an endpoint of a repository takes. All of an upload is pushing, taking it back included: whoever may push but
  /// not delete must be able to clean up. Distribution goes by the method alone, so a token that allows what it would
  /// ask for is good enough, too: that is what the challenge names.
  private static func demand(_ action: Endpoint.Action) -> (AccessAction, tokenAlternative: AccessAction?) {
    switch action {
    case .readBlob, .readManifest, .listTags, .listReferrers: (.pull, nil)
    case .startUpload, .appendToUpload, .finishUpload, .putManifest: (.push, nil)
    case .inspectUpload: (.push, .pull)
    case .cancelUpload: (.push, .delete)
    case .deleteBlob, .deleteManifest: (.delete, nil)
    case .catalog: (.catalog, nil)
    case .root, .redirectToBase, .base, .token: preconditionFailure("\(action) is about no repository")
    }
  }

  private func denied(_ caller: Caller, _ call: Call, _ action: Endpoint.Action) throws(Refusal) -> Refusal {
    if caller.name == nil, context.access?.challenge != nil { return try unauthorized(call, action) }
    var refusal = Refusal(.denied, detail: Self.detail(try Self.records(call, action)))
    refusal.userName = caller.name
    return refusal
  }

  private func unauthorized(
    _ call: Call, _ action: Endpoint.Action, error: String? = nil
  ) throws(Refusal) -> Refusal {
    let records = try Self.records(call, action)
    var refusal = Refusal(.unauthorized, detail: Self.detail(records))
    if let challenge = context.access?.challenge {
      let fault = error.map { ",error=\"\($0)\"" } ?? ""
      refusal.fields.append("WWW-Authenticate", text(of: challenge, records, call, action) + fault)
    }
    return refusal
  }

  /// The answer when it is not known who calls.
  func refusal(_ error: AccessError, _ call: Call, _ action: Endpoint.Action) -> Refusal {
    switch error {
    case .credentialsRefused: return refusedCredentials(call, action, claimed: nil)
    case .passwordRefused(let name): return refusedCredentials(call, action, claimed: name)
    case .tokenRefused(let fault):
      do {
        var refusal = try unauthorized(call, action, error: "invalid_token")
        refusal.cause = fault.description
        return refusal
      } catch {
        return error
      }
    case .busy:
      var refusal = Refusal(.tooManyRequests, reason: "too many logins are being checked at this moment")
      refusal.fields.append("Retry-After", "1")
      return refusal
    case .slowedDown(let pause, let name):
      var refusal = Refusal(.tooManyRequests, reason: "too many logins of this address have failed; wait for the next")
      refusal.fields.append("Retry-After", "\(ClientThrottle.seconds(pause))")
      refusal.claimedName = name
      refusal.isSlowedLogin = true
      return refusal
    case .unreadable(let fault):
      return unavailable("\(fault.operation) \(fault.path): \(fault.reason) (errno \(fault.code))")
    case .tooLarge(let path, let bytesMax): return unavailable("\(path) has more than \(bytesMax) bytes")
    case .unusable(let path, let reason): return unavailable("\(path): \(reason)")
    }
  }

  private func refusedCredentials(_ call: Call, _ action: Endpoint.Action, claimed name: String?) -> Refusal {
    do {
      var refusal = try unauthorized(call, action)
      refusal.cause = "the credentials are wrong or expired"
      refusal.claimedName = name
      return refusal
    } catch {
      return error
    }
  }

  private func unavailable(_ cause: String) -> Refusal {
    var refusal = Refusal(.unavailable, reason: "users, groups or keys cannot be looked up")
    refusal.fields.append("Retry-After", "5")
    refusal.cause = cause
    return refusal
  }

  // MARK: Words of Distribution

  /// One right that a request needs, as Distribution names it.
  private struct Record {
    var type = "repository"
    var name: String
    var actions: [String]
  }

  private static func records(_ call: Call, _ action: Endpoint.Action) throws(Refusal) -> [Record] {
    switch action {
    case .root, .redirectToBase, .base, .token: return []
    case .catalog: return [Record(type: "registry", name: "catalog", actions: ["*"])]
    default:
      let actions: [String] =
        switch call.head.method {
        case .get, .head: ["pull"]
        case .delete: ["delete"]
        default: ["pull", "push"]
        }
      var records = [Record(name: call.match.name, actions: actions)]
      if action == .startUpload, let source = try call.query().first("from"), !source.isEmpty {
        records.append(Record(name: String(source.prefix(RepositoryName.bytesMax)), actions: ["pull"]))
      }
      return records
    }
  }

  private static func detail(_ records: [Record]) -> JSONValue {
    if records.isEmpty { return .null }
    return .array(
      records.flatMap { record in
        record.actions.map { action in
          [
            "Type": .string(record.type), "Class": "", "Name": .string(record.name), "Action": .string(action),
          ]
        }
      })
  }

  private func text(
    of challenge: Challenge, _ records: [Record], _ call: Call, _ action: Endpoint.Action
  ) -> String {
    switch challenge {
    case .basic(let realm): return "Basic realm=\(Self.quoted(realm))"
    case .bearer(let realm, let service):
      // This method asks for each action by itself.
      let scopes = records.flatMap { record in record.actions.map { "\(record.type):\(record.name):\($0)" } }
      return Self.bearer(realm, service, scopes)
    case .token(let realm, let service, let redirectPath):
      return Self.bearer(redirectPath.flatMap { redirect(to: $0, call) } ?? realm, service, Self.scopes(of: records))
    case .ownTokens(let service):
      // Whoever comes for a token proves who it is with a password.
      if action == .token { return "Basic realm=\(Self.quoted(service))" }
      // A client takes the realm as it is, so it must be a whole URL.
      var settings = context.settings
      settings.usesRelativeURLs = false
      let locations = LocationBuilder(settings: settings, head: call.head, isSecure: call.request.isSecure)
      warnOfClearRealm(locations.token, call)
      return Self.bearer(locations.token, service, Self.scopes(of: records))
    }
  }

  /// A password that goes to a URL in the clear is read on its way, unless both ends are on this machine.
  private func warnOfClearRealm(_ realm: String, _ call: Call) {
    guard realm.hasPrefix("http://") else { return }
    let peer = call.request.peer
    let isLocal = peer.host.isEmpty || peer.host == "::1" || peer.host.hasPrefix("127.")
    if isLocal, call.head.field("x-forwarded-for") == nil { return }
    context.notices.insecureRealm(realm, peer, context.logger)
  }

  /// The path on the host that the client asked for; nil when it named none. As in Distribution the scheme is https,
  /// unless a proxy says otherwise.
  private func redirect(to path: String, _ call: Call) -> String? {
    guard let host = call.head.host else { return nil }
    let proto = call.head.fieldText("x-forwarded-proto").map { ForwardedElement.firstOfList($0).lowercased() }
    return "\(proto == "http" ? "http" : "https")://\(host)\(path)"
  }

  private static func scopes(of records: [Record]) -> [String] {
    records.map { "\($0.type):\($0.name):\($0.actions.joined(separator: ","))" }
  }

  private static func bearer(_ realm: String, _ service: String, _ scopes: [String]) -> String {
    let start = "Bearer realm=\(quoted(realm)),service=\(quoted(service))"
    return scopes.isEmpty ? start : "\(start),scope=\(quoted(scopes.joined(separator: " ")))"
  }

  /// A quoted string (RFC 9110, 5.6.4).
  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
