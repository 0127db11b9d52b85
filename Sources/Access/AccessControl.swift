// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryLimiting
import GantryPasswordHash
public import GantryWorld

/// Who makes a request, and what that caller may do: authentication and the rules of one registry.
///
/// Isolation: shared by every loop; a caller that was seen a moment ago costs one stat and one HMAC, and no hop.
///
/// Where the rules grant something to callers who have not logged in, or who show a certificate, clients are asked for
/// a token of this registry's own instead of a password: a client that is asked for a password and has none gives up,
/// so it would never get to see what it may without (docs/decisions/0013-access.md). Passwords are taken all the same.
public final class AccessControl: Sendable {
  /// How callers prove who they are.
  public let method: AuthenticationMethod
  /// The rules; nil: whoever is let in may do everything.
  public let rules: AccessRules?

  private let world: World
  private let users: WatchedFile<UserList>?
  private let groups: WatchedFile<GroupList>?
  private let cache: PasswordCache
  private let checks: CheckQueue<Bool>
  private let tokens: AccessTokens?
  private let authority: TokenAuthority?
  private let report: @Sendable (AccessNotice) -> Void

  /// The user that the method `silly` sees in everybody.
  static let sillyName = "silly"

  /// Puts access control together; ``start()`` it before use. Without `rules` whoever is let in may do everything; an
  /// empty list grants nothing. `secret` signs tokens. Without `brake` nobody is slowed down for wrong passwords.
  /// What `earlier` knows of right passwords is taken over. `report` is called on any thread.
  public init(
    world: World, method: AuthenticationMethod, rules: AccessRules? = nil, groupFile: String? = nil, secret: [UInt8],
    brake: LoginBrake? = nil, keeping earlier: AccessControl? = nil,
    report: @escaping @Sendable (AccessNotice) -> Void
  ) {
    self.world = world
    self.method = method
    self.rules = rules
    self.report = report
    if case .htpasswd(_, let path) = method {
      users = WatchedFile(path, world: world, report: report)
      let isForNobodyToo = rules.map { $0.grantsAnonymously || $0.grantsToCertificates } ?? false
      tokens = isForNobodyToo ? AccessTokens(secret: secret) : nil
    } else {
      users = nil
      tokens = nil
    }
    groups = groupFile.map { WatchedFile($0, world: world, report: report) }
    cache = earlier?.cache ?? PasswordCache(secret: world.entropy.bytes(32))
    checks =
      earlier?.checks
      ?? CheckQueue(
        workers: world.workers, brake: brake, runningMax: world.loops.count, on: world.loop(owning: "password checks")
      ) { isRight in isRight }
    authority =
      if case .token(let method) = method { TokenAuthority(method, world: world, report: report) } else { nil }
  }

  /// Reads the files of users and groups once, so that what is wrong with them shows at the start. A missing file of
  /// users is made, readable by its owner only, with one user and a random password, as Distribution does; unless it is
  /// not to be made, then it is an error.
  public func start(makesUsers: Bool = true) async throws(AccessError) {
    if let users {
      if makesUsers { try await provision(users.path) }
    }
    try await reload()
  }

  /// Reads the files of users, groups and keys that have changed, without waiting for a request that needs them: to
  /// tell at once what is wrong with them.
  public func reload() async throws(AccessError) {
    _ = try await users?.content()
    try await authority?.reload()
    _ = try await groups?.content()
  }

  /// How a client that lacks credentials is asked for them; nil when there is nothing to be asked for.
  public var challenge: Challenge? {
    switch method {
    case .none: nil
    case .silly(let realm, let service): .bearer(realm: realm, service: service)
    case .token(let method):
      .token(realm: method.realm, service: method.service, redirectPath: method.redirectPath)
    case .htpasswd(let realm, _): tokens == nil ? .basic(realm: realm) : .ownTokens(service: realm)
    }
  }

  /// Whether callers come with what has to be checked, so that it matters where they come from.
  public var checksCredentials: Bool { users != nil || authority != nil }

  /// Whether clients may ask for tokens here.
  public var givesTokens: Bool { tokens != nil }

  /// Who makes a request with these Authorization fields. Called on the request's loop; only a password that was not
  /// seen lately takes longer than a microsecond or a few. `origin` is where the request comes from.
  public func caller(
    authorization fields: [String], from origin: LoginOrigin? = nil
  ) async throws(AccessError) -> Caller {
    guard let field = fields.first else { return .anonymous }
    guard fields.count == 1 else { throw .credentialsRefused }
    switch method {
    case .none: return .anonymous
    case .silly: return field.isEmpty ? .anonymous : try await named(Self.sillyName)
    case .htpasswd:
      guard let users, let credentials = Credentials(field) else { throw .credentialsRefused }
      let list = try await users.content()
      switch credentials {
      case .basic(let name, let password):
        guard try await isRight(password, of: name, in: list, from: origin) else { throw .passwordRefused(name: name) }
        return try await named(name)
      case .bearer(let text): return try await bearer(of: text, in: list)
      }
    case .token:
      guard let authority, case .bearer(let text) = Credentials(field), !text.isEmpty else { throw .credentialsRefused }
      let token = try await authority.verified(text, from: origin)
      guard let name = token.name else { return Caller(name: nil, groups: [], grants: token.grants) }
      return Caller(name: name, groups: try await groups?.content().groups(of: name) ?? [], grants: token.grants)
    }
  }

  /// Whether the caller needs no credentials, because its certificate grants it something and nothing more is to be had
  /// by logging in: whoever is welcomed is never asked for a password, so could not log in any more. Where tokens are
  /// our own nobody is welcomed, as nobody who has no password lacks one.
  public func isWelcome(_ caller: Caller) -> Bool {
    guard let rules, users == nil else { return false }
    return rules.grantsByCertificate(to: caller) && !rules.speakOfUsers
  }

  /// Who makes a request, if that can be told without waiting: what it came with was found right a moment ago, and no
  /// file has changed. Nil leaves it to ``caller(authorization:from:)``.
  public func rememberedCaller(authorization fields: [String]) -> Caller? {
    guard let field = fields.first else { return .anonymous }
    guard fields.count == 1 else { return nil }
    switch (method, Credentials(field)) {
    case (.token, .bearer(let text)):
      guard let token = authority?.remembered(text), let groups = unchangedGroups(of: token.name) else { return nil }
      return Caller(name: token.name, groups: groups, grants: token.grants)
    case (.htpasswd, .basic(let name, let password)):
      guard let hash = users?.unchanged?.hash(of: name),
        cache.age(of: cache.key(name, hash.text, password), at: world.clock.now) == .fresh,
        let groups = unchangedGroups(of: name)
      else { return nil }
      return Caller(name: name, groups: groups)
    case (.htpasswd, .bearer(let text)):
      guard let list = users?.unchanged, let token = ownToken(text, in: list) else { return nil }
      if token.name.isEmpty { return .anonymousWithToken }
      guard let groups = unchangedGroups(of: token.name) else { return nil }
      return Caller(name: token.name, groups: groups, credentials: .token)
    default: return nil
    }
  }

  private func unchangedGroups(of name: String?) -> [String]? {
    guard let name, let groups else { return [] }
    return groups.unchanged?.groups(of: name)
  }

  /// The user of this name with its groups, for whoever wants to know what it may do. `isKnown` tells whether such a
  /// user could log in.
  public func user(named name: String) async throws(AccessError) -> (caller: Caller, isKnown: Bool) {
    let isKnown: Bool
    switch method {
    case .none: isKnown = false
    case .silly: isKnown = name == Self.sillyName
    case .token: isKnown = true
    case .htpasswd: isKnown = try await users?.content().hash(of: name) != nil
    }
    return (try await named(name), isKnown)
  }

  /// A token for a caller that was let in, and how long it counts in seconds; nil where none are given.
  public func token(for caller: Caller) async throws(AccessError) -> (text: String, lifetime: Int64)? {
    guard let tokens, let users else { return nil }
    guard let name = caller.name else {
      return (tokens.issue(to: nil, at: world.clock.now), AccessTokens.lifetime)
    }
    // Gone since a moment ago.
    guard let hash = try await users.content().hash(of: name) else { throw .credentialsRefused }
    return (tokens.issue(to: (name, hash.text), at: world.clock.now), AccessTokens.lifetime)
  }

  private func named(
    _ name: String, _ credentials: Caller.Credentials = .password
  ) async throws(AccessError) -> Caller {
    Caller(name: name, groups: try await groups?.content().groups(of: name) ?? [], credentials: credentials)
  }

  private func bearer(of text: String, in list: UserList) async throws(AccessError) -> Caller {
    guard let token = ownToken(text, in: list) else { throw .credentialsRefused }
    return token.name.isEmpty ? .anonymousWithToken : try await named(token.name, .token)
  }

  /// A token that was given out here and still counts.
  private func ownToken(_ text: String, in list: UserList) -> AccessTokens.Presented? {
    guard let tokens, let token = tokens.read(text) else { return nil }
    let hash: String
    if token.name.isEmpty {
      hash = ""
    } else {
      guard let stored = list.hash(of: token.name) else { return nil }
      hash = stored.text
    }
    return tokens.holds(token, hash: hash, at: world.clock.now) ? token : nil
  }

  /// Whether it is the user's password. For a name that nobody has, the same work is done.
  private func isRight(
    _ password: [UInt8], of name: String, in list: UserList, from origin: LoginOrigin?
  ) async throws(AccessError) -> Bool {
    let stored = list.hash(of: name)
    let hash = stored ?? list.decoy(number: cache.number(of: name))
    let key = cache.key(name, hash.text, password)
    let age = cache.age(of: key, at: world.clock.now)
    if age == .fresh { return true }
    switch await checks.answer(to: key, from: origin, wasRight: age == .known, { hash.matches(password) }) {
    case .busy: throw .busy
    case .slowedDown(let pause): throw .slowedDown(pause, name: name)
    case .answer(false): return false
    case .answer(true): break
    }
    guard stored != nil else { return false }
    cache.keep(key, at: world.clock.now)
    return true
  }

  private func provision(_ path: String) async throws(AccessError) {
    let (files, entropy) = (world.files, world.entropy)
    let password = try await world.workers.run { () throws(AccessError) -> String? in
      do throws(FileError) { return try UserFile.provision(path, files, entropy) } catch { throw .unreadable(error) }
    }
    if let password { report(.userProvisioned(path: path, user: UserFile.provisionedName, password: password)) }
  }
}
