// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

// With somebody else's tokens and rules both must allow what a caller with a token asks for: a token knows no more than
// its giver does, a rule no more than who somebody is. What a rule grants to everybody, or to the certificate of the
// connection, needs no token.
extension AccessControl {
  /// Whether the caller may do this to the repository. A token is also good enough when it allows the `alternative`:
  /// what Distribution asks tokens for is not in every case what a rule grants.
  public func verdict(
    _ action: AccessAction, tokenAlternative alternative: AccessAction? = nil, to caller: Caller,
    on repository: RepositoryName
  ) -> Verdict {
    guard let grants = caller.grants else {
      let isGranted =
        if let rules {
          rules.rule(granting: action, to: caller, on: repository) != nil
        } else {
          isTrusted(caller)
        }
      return isGranted ? .granted : .denied
    }
    if rules?.rule(granting: action, to: withoutToken(caller), on: repository) != nil { return .granted }
    let isAllowed =
      grants.allow(action.tokenActions, on: repository)
      || alternative.map { grants.allow($0.tokenActions, on: repository) } == true
    guard isAllowed else { return .scopeMissing }
    guard let rules else { return .granted }
    return rules.rule(granting: action, to: caller, on: repository) != nil ? .granted : .denied
  }

  /// Whether the caller may do this to the repository.
  public func permits(_ action: AccessAction, to caller: Caller, on repository: RepositoryName) -> Bool {
    verdict(action, to: caller, on: repository) == .granted
  }

  /// Whether the caller may ask for the catalog; what is in it is told by ``lists(_:for:)``.
  public func catalogVerdict(for caller: Caller) -> Verdict {
    guard let grants = caller.grants else {
      let isGranted = if let rules { rules.grantsCatalog(to: caller) } else { isTrusted(caller) }
      return isGranted ? .granted : .denied
    }
    guard let rules else { return grants.allowCatalog ? .granted : .scopeMissing }
    if rules.grantsCatalog(to: withoutToken(caller)) { return .granted }
    guard grants.allowCatalog else { return .scopeMissing }
    return rules.grantsCatalog(to: caller) ? .granted : .denied
  }

  /// Whether the repository is in the caller's catalog: never one that the rules do not let the caller pull. Without
  /// rules it is for whoever may ask for it, as in Distribution.
  public func lists(_ repository: RepositoryName, for caller: Caller) -> Bool {
    guard let rules else { return catalogVerdict(for: caller) == .granted }
    if shows(repository, to: withoutToken(caller), rules) { return true }
    guard let grants = caller.grants else { return shows(repository, to: caller, rules) }
    // Without the scope for the catalog a token says no more than none. One that speaks of repositories must allow them
    // to be pulled; one that speaks of none leaves that to the rules, as no client asks for each repository's scope.
    guard grants.allowCatalog, !grants.nameRepositories || grants.allow(.pull, on: repository) else { return false }
    return shows(repository, to: caller, rules)
  }

  private func shows(_ repository: RepositoryName, to caller: Caller, _ rules: AccessRules) -> Bool {
    rules.rule(granting: .catalog, to: caller, on: repository) != nil
      && rules.rule(granting: .pull, to: caller, on: repository) != nil
  }

  /// What the caller is without its token or password: whoever has the same connection.
  private func withoutToken(_ caller: Caller) -> Caller { Caller.anonymous.certified(caller.certificateNames) }

  /// Where there are no rules: whoever has logged in, or everybody where nobody can.
  private func isTrusted(_ caller: Caller) -> Bool { caller.name != nil || method == .none }
}

extension AccessAction {
  /// What a token must allow for it, in Distribution's words.
  fileprivate var tokenActions: TokenGrants.Actions {
    switch self {
    case .pull: .pull
    case .push: [.pull, .push]
    case .delete: .delete
    case .catalog: .all
    }
  }
}
