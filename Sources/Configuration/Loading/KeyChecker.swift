// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Walks the tree along the key table: unknown, ignored and refused keys, and values of the wrong form.
struct KeyChecker {
  private(set) var log: DiagnosticLog

  init(log: DiagnosticLog) {
    self.log = log
  }

  /// Checks a whole configuration, whose root is a mapping.
  mutating func check(_ root: YAMLNode) {
    checkKeys(root, table: "", path: "")
  }

  private mutating func checkKeys(_ node: YAMLNode, table: String, path: String) {
    for entry in node.mapping?.entries ?? [] {
      let childPath = KeyPath.child(entry.key, of: path)
      if let known = KeyTable.child(entry.key, of: table) {
        check(entry.value, at: entry.keyMark, known, childPath)
      } else {
        reportUnknown(entry, table: table, childPath)
      }
    }
  }

  private mutating func check(_ node: YAMLNode, at mark: YAMLMark, _ entry: KeyEntry, _ path: String) {
    switch entry.status {
    case .served: checkForm(node, entry, path)
    case .ignored(let reason):
      if Significance.isSet(node) { log.add(.warning, about: node, at: mark, path, "has no effect: \(reason)") }
    case .refused(let reason):
      if Significance.mustRefuse(node, path: entry.path) {
        // An environment variable may have set a key inside an empty section of the file; then it is to be named.
        let culprit = Significance.firstSet(in: node) ?? node
        log.add(.error, about: culprit.origin == log.file ? node : culprit, at: mark, path, reason)
      } else if Significance.isHarmlessButSet(node) {
        log.add(.warning, about: node, at: mark, path, "has no effect: nothing in it is switched on")
      }
    }
  }

  private mutating func checkForm(_ node: YAMLNode, _ entry: KeyEntry, _ path: String) {
    guard !node.isNull else { return }
    switch entry.kind {
    case .section, .table:
      guard node.mapping != nil else { return reportForm(node, entry, path, expected: "keys and values") }
      checkKeys(node, table: entry.path, path: path)
    case .list, .texts:
      guard let elements = node.sequence else { return reportForm(node, entry, path, expected: "a list") }
      let element = KeyTable.entry(entry.path + "[]")
      for (index, node) in elements.enumerated() {
        if let element {
          checkForm(node, element, "\(path)[\(index)]")
        } else if node.scalar == nil {
          reportForm(node, entry, "\(path)[\(index)]", expected: "text")
        }
      }
    default:
      guard let scalar = node.scalar, ScalarForm.accepts(scalar, as: entry.kind) else {
        return reportForm(node, entry, path, expected: ScalarForm.description(of: entry.kind))
      }
    }
  }

  private mutating func reportForm(_ node: YAMLNode, _ entry: KeyEntry, _ path: String, expected: String) {
    let found =
      switch node.content {
      case .sequence: "a list"
      case .mapping: "keys and values"
      case .scalar(let scalar):
        entry.isSecret ? scalar.resolved.kind : "\(scalar.resolved.kind) \"\(Shown.text(scalar.text))\""
      }
    log.add(.error, about: node, path, "expected \(expected), found \(found)")
  }

  private mutating func reportUnknown(_ entry: YAMLMapping.Entry, table: String, _ path: String) {
    let siblings = KeyTable.children(of: table)
    let names = siblings.map { KeyPath.last(of: $0.path) }
    let nearest = Nearest.name(to: entry.key, among: names)
    // Distribution ignores `Auth:` as unknown; whoever wrote it believes it works.
    if let meant = siblings.first(where: { KeyPath.last(of: $0.path) == entry.key.lowercased() }) {
      let name = KeyPath.last(of: meant.path)
      if case .refused = meant.status, Significance.mustRefuse(entry.value, path: meant.path) {
        return log.add(
          .error, about: entry.value, at: entry.keyMark, path,
          "unknown key; \"\(name)\" must be in lower case, and is not served yet")
      }
      if Self.guards.contains(meant.path), !entry.value.isNull {
        return log.add(
          .error, about: entry.value, at: entry.keyMark, path, "unknown key; \"\(name)\" must be in lower case")
      }
    }
    let hint = nearest.map { "; did you mean \"\($0)\"?" } ?? elsewhere(entry.key)
    if table == "storage" {
      return log.add(
        .error, about: entry.value, at: entry.keyMark, path,
        "unknown storage driver \"\(Shown.text(entry.key))\"\(hint)")
    }
    if table == "auth" {
      return log.add(
        .error, about: entry.value, at: entry.keyMark, Shown.text(path),
        "unknown access controller \"\(Shown.text(entry.key))\"\(hint)")
    }
    // A rule without what was misspelt would be another rule, and TLS another TLS.
    if Self.isGuarded(table) {
      return log.add(.error, about: entry.value, at: entry.keyMark, Shown.text(path), "unknown key\(hint)")
    }
    if let meant = guardMeant(by: entry.key, in: table) {
      return log.add(
        .error, about: entry.value, at: entry.keyMark, Shown.text(path),
        "unknown key; did you mean \"\(meant)\"? Passed over, it would keep nobody out")
    }
    log.add(
      .warning, about: entry.value, at: entry.keyMark, Shown.text(path), "unknown key, ignored\(hint)")
  }

  /// The section that keeps somebody out, or the key of one, that was meant by a key at the top or in `http`; nil when
  /// it was another. Names that begin with `x-` are nobody's: they hold what is repeated elsewhere.
  private func guardMeant(by key: String, in table: String) -> String? {
    guard table.isEmpty || table == "http", !key.hasPrefix("x-") else { return nil }
    let namesakes = KeyTable.entries.filter { $0.status == .served && KeyPath.last(of: $0.path) == key }
    if let known = namesakes.first, namesakes.allSatisfy({ Self.isGuarded($0.path) }) { return known.path }
    let siblings = KeyTable.children(of: table).map { KeyPath.last(of: $0.path) }
    let guards = Self.guards.sorted()
    guard let nearest = Nearest.name(to: key, among: siblings + guards.map(KeyPath.last(of:))) else { return nil }
    return guards.first { KeyPath.last(of: $0) == nearest }
  }

  /// Sections that keep somebody out: one that is ignored for its capital letters would let everybody in.
  private static let guards: Set<String> = ["auth", "access", "http.tls"]

  private static func isGuarded(_ path: String) -> Bool {
    guards.contains { path == $0 || path.hasPrefix("\($0).") || path.hasPrefix("\($0)[") }
  }

  /// A known key of the same name in another section: most likely the indentation is wrong.
  private func elsewhere(_ key: String) -> String {
    let known = KeyTable.entries.first { $0.status == .served && KeyPath.last(of: $0.path) == key }
    return known.map { "; did you mean \"\($0.path)\"?" } ?? ""
  }
}
