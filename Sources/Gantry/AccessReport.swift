// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryAccess
public import GantryConfiguration
internal import GantryEventLoops
internal import GantryOCI
internal import GantryPatterns
internal import GantryRegistry
internal import Logging

/// Explains what somebody may do: the body of `registry check --user --repository`.
public enum AccessReport {
  /// What `user` (nil: somebody who has not logged in), on a connection whose client certificate has the names
  /// `certificates`, may do to a repository, and which rule says so. Reads the files of users and groups, changes
  /// nothing, and blocks.
  public static func text(
    _ settings: Settings, user: String?, certificates: [String] = [], repository: String
  ) throws(StartError) -> String {
    let name: RepositoryName
    do { name = try RepositoryName(parsing: repository) } catch {
      throw .settings("\"\(repository)\" is no name of a repository: \(error)")
    }
    let group = LoopGroup(loops: 1, workers: 1)
    defer { group.stop() }
    let world = group.world
    // Nothing is signed here.
    let access = try AccessControl(
      settings, world: world, secret: [0], brake: nil,
      logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() })
    let protections = try TagProtection.all(in: settings.access)
    var lines: [String] = []
    var caller = Caller.anonymous
    if let access, let user {
      let found = try RegistryHost.onLoop(of: group) { () async throws(StartError) in
        do throws(AccessError) {
          return try await access.user(named: user)
        } catch {
          throw .access(error.explanation)
        }
      }
      caller = found.caller
      let groups = caller.groups.isEmpty ? "" : ", in \(caller.groups.joined(separator: ", "))"
      var note = found.isKnown ? "" : ": cannot log in, as auth is configured"
      if case .token(let token) = settings.auth {
        note = ": whoever has a token of \(token.issuer) for \(token.service) with this name (sub)"
      }
      lines.append("user \(user)\(groups)\(note)")
    } else {
      lines.append(user.map { "user \($0)" } ?? "anonymous")
    }
    if !certificates.isEmpty {
      let isVerified = settings.http.tls?.verifiesClients ?? false
      if isVerified { caller = caller.certified(certificates) }
      lines.append(
        "certificate \(certificates.joined(separator: ", "))"
          + (isVerified ? "" : ": counts for nothing, as http.tls verifies no certificates"))
    }
    lines.append("repository \(name)")
    for action in AccessAction.allCases {
      lines.append(line(action, caller, name, access, settings))
    }
    for (index, rule) in settings.access.rules.enumerated() {
      guard case .immutableTags(let tags, _) = rule else { continue }
      let number = settings.access.rules[..<index].count { if case .immutableTags = $0 { true } else { false } }
      guard protections[number].repositories.contains(where: { $0.matches(name.description) }) else { continue }
      lines.append("  tags     \(tags.joined(separator: ", ")): never moved or removed once set (rule \(index + 1))")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func line(
    _ action: AccessAction, _ caller: Caller, _ name: RepositoryName, _ access: AccessControl?, _ settings: Settings
  ) -> String {
    let (isGranted, reason) =
      if case .token = settings.auth, let access {
        tokenVerdict(action, caller, name, access, settings)
      } else {
        verdict(action, caller, name, access, settings)
      }
    let word = action.rawValue + String(repeating: " ", count: 8 - action.rawValue.count)
    return "  \(word) \(isGranted ? "yes" : "no "): \(reason)"
  }

  /// Where tokens say what their bearers may do: what they have to say, beside what the rules do.
  private static func tokenVerdict(
    _ action: AccessAction, _ caller: Caller, _ name: RepositoryName, _ access: AccessControl, _ settings: Settings
  ) -> (Bool, String) {
    let scope =
      switch action {
      case .pull: "repository:\(name):pull"
      case .push: "repository:\(name):pull,push"
      case .delete: "repository:\(name):delete"
      case .catalog: "registry:catalog:*"
      }
    let byRules = verdict(action, caller, name, access, settings)
    guard access.rules != nil else {
      let isOff = settings.storage.isReadOnly && action != .pull && action != .catalog
      if isOff || action == .delete && !settings.storage.isDeleteEnabled { return byRules }
      return caller.name == nil ? (false, "nobody may without a token") : (true, "with a token for \(scope)")
    }
    let withoutToken = Caller.anonymous.certified(caller.certificateNames)
    guard byRules.0, !verdict(action, withoutToken, name, access, settings).0 else { return byRules }
    return (true, "\(byRules.1), with a token for \(scope)")
  }

  private static func verdict(
    _ action: AccessAction, _ caller: Caller, _ name: RepositoryName, _ access: AccessControl?, _ settings: Settings
  ) -> (Bool, String) {
    if action == .push || action == .delete, settings.storage.isReadOnly {
      return (false, "the registry is read-only (storage.maintenance.readonly)")
    }
    if action == .delete, !settings.storage.isDeleteEnabled {
      return (false, "deletion is switched off (storage.delete.enabled)")
    }
    guard let access else { return (true, "there is neither auth nor a rule, so everybody may") }
    guard let rules = access.rules else {
      return access.permits(action, to: caller, on: name)
        ? (true, "there is no rule, so whoever has logged in may")
        : (false, "without a rule only users may, once they have logged in")
    }
    guard let granting = rules.rule(granting: action, to: caller, on: name) else {
      return (false, "no rule grants it")
    }
    if action == .catalog, !access.lists(name, for: caller) {
      return (false, "the catalog shows only what may be pulled")
    }
    return (true, "rule \(number(ofGrant: granting, in: settings.access))")
  }

  /// The number of a rule in the file, counted from 1, where rules that grant and rules that protect tags are mixed.
  private static func number(ofGrant grant: Int, in access: AccessSettings) -> Int {
    let grants = access.rules.indices.filter { if case .grant = access.rules[$0] { true } else { false } }
    return grants[grant] + 1
  }
}
