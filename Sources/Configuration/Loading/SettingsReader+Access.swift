// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryPatterns
internal import GantryYAML

extension SettingsReader {
  /// The most rules; each is tried on each request.
  private static let rulesMax = 1000

  /// The `auth` section: exactly one method.
  mutating func authSettings() -> AuthSettings {
    let methods = (node("auth")?.mapping?.entries ?? []).filter { KeyTable.entry("auth.\($0.key)") != nil }
    guard let method = methods.first else {
      // As in Distribution nobody has to log in then; whoever has commented the rest out should be told.
      if let section = tree["auth"], section.isNull {
        log.add(.warning, about: section, "auth", "is empty, so nobody has to log in")
      }
      return .none
    }
    for other in methods.dropFirst() {
      log.add(
        .error, about: other.value, at: other.keyMark, "auth.\(Shown.text(other.key))",
        "there is already \"\(Shown.text(method.key))\"; exactly one access controller is allowed")
    }
    let path = "auth.\(method.key)"
    switch method.key {
    case "silly":
      return .silly(realm: required("realm", of: path, method), service: required("service", of: path, method))
    case "htpasswd":
      return .htpasswd(realm: required("realm", of: path, method), path: required("path", of: path, method))
    case "token": return .token(tokenSettings(path, method))
    default: return .none
    }
  }

  private mutating func tokenSettings(_ path: String, _ method: YAMLMapping.Entry) -> TokenSettings {
    var settings = TokenSettings(
      realm: required("realm", of: path, method), service: required("service", of: path, method),
      issuer: required("issuer", of: path, method))
    settings.rootCertBundle = optional("\(path).rootcertbundle")
    settings.jwks = optional("\(path).jwks")
    if settings.rootCertBundle == nil, settings.jwks == nil {
      log.add(
        .error, about: method.value, at: method.keyMark, path,
        "needs rootcertbundle or jwks: without a key no token could be trusted")
    }
    let redirects = bool("\(path).autoredirect") ?? false
    if redirects {
      let redirectPath = optional("\(path).autoredirectpath") ?? "/auth/token"
      settings.autoRedirectPath = redirectPath.hasPrefix("/") ? redirectPath : "/\(redirectPath)"
    } else if let node = node("\(path).autoredirectpath") {
      log.add(.warning, about: node, "\(path).autoredirectpath", "has no effect while autoredirect is false")
    }
    if !redirects, !settings.realm.isEmpty, let node = node("\(path).realm"),
      !settings.realm.hasPrefix("https://"), !settings.realm.hasPrefix("http://")
    {
      log.add(
        .warning, about: node, "\(path).realm", "clients ask for tokens there, so it should be a URL with its scheme")
    }
    let algorithms = signingAlgorithms("\(path).signingalgorithms")
    if !algorithms.isEmpty { settings.signingAlgorithms = algorithms }
    return settings
  }

  private mutating func signingAlgorithms(_ path: String) -> [TokenSettings.Algorithm] {
    var algorithms: [TokenSettings.Algorithm] = []
    for (index, element) in texts(path).enumerated() {
      if let algorithm = TokenSettings.Algorithm(rawValue: element.text) {
        if !algorithms.contains(algorithm) { algorithms.append(algorithm) }
        continue
      }
      let known = TokenSettings.Algorithm.allCases.map(\.rawValue)
      let hint = Nearest.name(to: element.text, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
      log.add(
        .error, about: element.node, "\(path)[\(index)]",
        "\"\(Shown.text(element.text))\" is none of \(known.joined(separator: ", "))\(hint)")
    }
    return algorithms
  }

  /// A text that may be absent; an empty one is.
  private mutating func optional(_ path: String) -> String? {
    guard let node = node(path), let text = text(path), !text.isEmpty else { return nil }
    if Self.hasControlCharacter(text) { log.add(.error, about: node, path, "the value holds a control character") }
    return text
  }

  private mutating func required(_ key: String, of path: String, _ method: YAMLMapping.Entry) -> String {
    let name = "\(path).\(key)"
    guard let node = node(name), let text = text(name), !text.isEmpty else {
      log.add(
        .error, about: method.value, at: method.keyMark, name, "must be set for the access controller \(method.key)")
      return ""
    }
    if Self.hasControlCharacter(text) { log.add(.error, about: node, name, "the value holds a control character") }
    return text
  }

  /// The `access` section.
  mutating func accessSettings(auth: AuthSettings, verifiesClients: Bool) -> AccessSettings {
    // Also with nothing below it: whoever has commented the last rule out did not mean to let everybody in.
    let isPresent = tree["access"] != nil
    var settings = AccessSettings(isPresent: isPresent)
    defer { if isPresent { warnOfNoGrant(settings) } }
    let filePath = "access.groupfile"
    if let file = text(filePath), let node = node(filePath), !file.isEmpty {
      if Self.hasControlCharacter(file) { log.add(.error, about: node, filePath, "expected the path of a file") }
      settings.groupFile = file
    }
    guard let list = node("access.rules"), let elements = list.sequence else { return settings }
    guard elements.count <= Self.rulesMax else {
      log.add(.error, about: list, "access.rules", "more than \(Self.rulesMax) rules")
      return settings
    }
    for (index, node) in elements.enumerated() {
      let path = "access.rules[\(index)]"
      guard node.mapping != nil else {
        if node.isNull { log.add(.error, about: node, path, "the rule is empty") }
        continue
      }
      guard let rule = rule(node, path) else { continue }
      settings.rules.append(rule)
      check(
        rule, node, path, auth: auth, groupFile: settings.groupFile, verifiesClients: verifiesClients)
    }
    return settings
  }

  /// Tells whoever set rules that let nobody do anything.
  private mutating func warnOfNoGrant(_ settings: AccessSettings) {
    guard !settings.grantsAnything, let section = tree["access"] else { return }
    let node = self.node("access.rules") ?? section
    log.add(
      .warning, about: node, "access.rules",
      """
      no rule grants anything, so nobody may do anything; {who: [anonymous], actions: [pull, push, delete, catalog]} \
      lets everybody do everything
      """)
  }

  private mutating func rule(_ node: YAMLNode, _ path: String) -> AccessSettings.Rule? {
    let repositories = node["repositories"].map { globs($0, "\(path).repositories", isOfTags: false) } ?? ["**"]
    if let tags = node["immutabletags"] {
      for key in ["who", "actions"] where node[key] != nil {
        log.add(.error, about: node, "\(path).\(key)", "a rule grants actions or has immutabletags, not both")
      }
      return .immutableTags(tags: globs(tags, "\(path).immutabletags", isOfTags: true), repositories: repositories)
    }
    var who: [AccessSettings.Subject] = []
    for (text, element) in words(node, "who", path) {
      if let subject = AccessSettings.Subject(text) {
        who.append(subject)
      } else {
        let known = ["anonymous", "users", "certificates"]
        let hint = Nearest.name(to: text, among: known) ?? "user:\(Shown.text(text))"
        log.add(
          .error, about: element, "\(path).who",
          "\"\(Shown.text(text))\" is none of anonymous, users, user:NAME, group:NAME, certificates, certificate:NAME; did you mean \"\(hint)\"?"
        )
      }
    }
    var actions: [AccessSettings.Action] = []
    for (text, element) in words(node, "actions", path) {
      if let action = AccessSettings.Action(rawValue: text) {
        if !actions.contains(action) { actions.append(action) }
      } else {
        let known = AccessSettings.Action.allCases.map(\.rawValue)
        let hint = Nearest.name(to: text, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
        log.add(
          .error, about: element, "\(path).actions",
          "unknown action \"\(Shown.text(text))\": expected \(known.joined(separator: ", "))\(hint)")
      }
    }
    return .grant(who: who, actions: actions, repositories: repositories)
  }

  /// The texts of a list that a rule needs. What is no list has been reported already.
  private mutating func words(_ rule: YAMLNode, _ key: String, _ path: String) -> [(text: String, node: YAMLNode)] {
    guard let node = rule[key], !node.isNull else {
      log.add(.error, about: rule, "\(path).\(key)", "is missing; a rule needs who and actions, or immutabletags")
      return []
    }
    let texts = (node.sequence ?? []).compactMap { node in node.scalar.map { ($0.text, node) } }
    if texts.isEmpty, node.sequence != nil { log.add(.error, about: node, "\(path).\(key)", "is empty") }
    return texts
  }

  private mutating func globs(_ node: YAMLNode, _ path: String, isOfTags: Bool) -> [String] {
    var globs: [String] = []
    let elements = node.sequence ?? []
    if elements.isEmpty, node.sequence != nil || node.isNull { log.add(.error, about: node, path, "is empty") }
    for (index, element) in elements.enumerated() {
      guard let text = element.scalar?.text else { continue }
      var fault: String?
      do { _ = try Glob(text) } catch { fault = error.description }
      if isOfTags, text.contains("/") { fault = "no tag holds a \"/\"" }
      if !isOfTags, text != text.lowercased() { fault = "names of repositories are in lower case" }
      if let fault {
        log.add(.error, about: element, "\(path)[\(index)]", "\"\(Shown.text(text))\" is not a pattern: \(fault)")
      } else {
        globs.append(text)
      }
    }
    return globs
  }

  /// What makes a rule one that never applies.
  private mutating func check(
    _ rule: AccessSettings.Rule, _ node: YAMLNode, _ path: String, auth: AuthSettings, groupFile: String?,
    verifiesClients: Bool
  ) {
    guard case .grant(let who, _, _) = rule else { return }
    for subject in who {
      if case .group = subject, groupFile == nil {
        log.add(.error, about: node, "\(path).who", "\"\(subject)\" needs access.groupfile to say who is in it")
      }
      switch subject {
      case .certificates, .certificate:
        if !verifiesClients {
          log.add(
            .error, about: node, "\(path).who", "\"\(subject)\" is nobody while http.tls verifies no certificates")
        }
        continue
      case .anonymous, .users, .user, .group: break
      }
      if subject != .anonymous, auth == .none {
        log.add(.error, about: node, "\(path).who", "\"\(subject)\" is nobody while there is no auth to log in with")
      }
    }
  }
}
