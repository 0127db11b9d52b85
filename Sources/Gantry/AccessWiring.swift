// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryAccess
internal import GantryConfiguration
internal import GantryCryptography
internal import GantryLimiting
internal import GantryPatterns
internal import GantryRegistry
internal import GantryWorld
internal import Logging

extension AccessControl {
  /// Access control as configured and not started yet; nil when everybody may do everything.
  convenience init?(
    _ settings: Settings, world: World, secret: [UInt8], brake: LoginBrake?, keeping earlier: AccessControl? = nil,
    logger: Logger
  ) throws(StartError) {
    let grants = try AccessRules(settings.access)
    // Nothing says who may do what: the whole registry is everybody's.
    if grants == nil, settings.auth == .none { return nil }
    let method: AuthenticationMethod =
      switch settings.auth {
      case .none: .none
      case .silly(let realm, let service): .silly(realm: realm, service: service)
      case .htpasswd(let realm, let path): .htpasswd(realm: realm, path: path)
      case .token(let token): .token(TokenMethod(token))
      }
    self.init(
      world: world, method: method, rules: grants, groupFile: settings.access.groupFile, secret: secret,
      brake: brake, keeping: earlier
    ) { logger.warning("\($0)") }
  }
}

extension TokenMethod {
  /// The loader has tried the names of the algorithms.
  init(_ settings: TokenSettings) {
    self.init(
      realm: settings.realm, service: settings.service, issuer: settings.issuer,
      rootCertificates: settings.rootCertBundle, keySet: settings.jwks, redirectPath: settings.autoRedirectPath,
      algorithms: Set(settings.signingAlgorithms.compactMap { SignatureAlgorithm(rawValue: $0.rawValue) }))
  }
}

extension AccessRules {
  /// The rules that grant; nil without the section. With it and without any rule that grants nobody may do anything:
  /// whoever wrote it meant to keep somebody out (docs/decisions/0013-access.md).
  init?(_ settings: AccessSettings) throws(StartError) {
    var rules: [AccessRule] = []
    for case .grant(let who, let actions, let repositories) in settings.rules {
      rules.append(
        AccessRule(
          subjects: who.map(AccessRule.Subject.init), repositories: try repositories.map(Glob.init(setting:)),
          actions: Set(actions.map(AccessAction.init))))
    }
    if rules.isEmpty, !settings.isInForce { return nil }
    self.init(rules)
  }
}

extension TagProtection {
  /// The rules that protect tags.
  static func all(in settings: AccessSettings) throws(StartError) -> [TagProtection] {
    var protections: [TagProtection] = []
    for case .immutableTags(let tags, let repositories) in settings.rules {
      protections.append(
        TagProtection(
          tags: try tags.map(Glob.init(setting:)), repositories: try repositories.map(Glob.init(setting:))))
    }
    return protections
  }
}

extension Glob {
  /// The loader has tried the patterns of a file; those of settings made in code are tried here, because a rule that is
  /// dropped would be another rule.
  init(setting text: String) throws(StartError) {
    do { self = try Glob(text) } catch { throw .settings("access.rules: \"\(text)\" is not a pattern: \(error)") }
  }
}

extension AccessRule.Subject {
  init(_ subject: AccessSettings.Subject) {
    switch subject {
    case .anonymous: self = .anyone
    case .users: self = .anyUser
    case .user(let name): self = .user(name)
    case .group(let name): self = .group(name)
    case .certificates: self = .anyCertificate
    case .certificate(let name): self = .certificate(name)
    }
  }
}

extension AccessAction {
  init(_ action: AccessSettings.Action) {
    switch action {
    case .pull: self = .pull
    case .push: self = .push
    case .delete: self = .delete
    case .catalog: self = .catalog
    }
  }
}

extension AccessError {
  /// What went wrong, for a person.
  var explanation: String {
    switch self {
    case .credentialsRefused, .passwordRefused: "the credentials are wrong or expired"
    case .tokenRefused(let fault): fault.description
    case .busy: "too many logins are being checked"
    case .slowedDown(let pause, _): "too many passwords were wrong; the next may be tried in \(pause)"
    case .unusable(let path, let reason): "\(path): \(reason)"
    case .unreadable(let error): error.explanation
    case .tooLarge(let path, let bytesMax): "\(path) has more than \(bytesMax) bytes"
    }
  }
}
