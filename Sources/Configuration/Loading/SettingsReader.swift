// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryPatterns
internal import GantryYAML

/// Reads settings out of a checked tree: defaults, ranges, and what depends on more than one key.
///
/// `KeyChecker` has already reported values of the wrong form; here they read as absent.
struct SettingsReader {
  let tree: YAMLNode
  var log: DiagnosticLog

  init(tree: YAMLNode, log: DiagnosticLog) {
    self.tree = tree
    self.log = log
  }

  /// The settings; what could not be read is left at its default and reported.
  mutating func settings() -> Settings {
    let auth = authSettings()
    let http = httpSettings()
    let verifiesClients = http.tls?.verifiesClients ?? false
    var settings = Settings(
      log: logSettings(), storage: storageSettings(), http: http,
      catalog: CatalogSettings(entriesMax: page("catalog.maxentries")),
      tags: TagsSettings(tagsMax: page("tags.maxtags")),
      validation: validationSettings(), auth: auth,
      access: accessSettings(auth: auth, verifiesClients: verifiesClients), health: healthSettings())
    settings.process = processSettings()
    return settings
  }

  // MARK: Values by path

  /// The node at a dotted path; nil when it or a section above it is absent or null.
  func node(_ path: String) -> YAMLNode? {
    var node: YAMLNode? = tree
    for key in path.split(separator: ".") { node = node?[String(key)] }
    return node.flatMap { $0.isNull ? nil : $0 }
  }

  func text(_ path: String) -> String? {
    node(path)?.scalar?.text
  }

  func bool(_ path: String) -> Bool? {
    node(path)?.scalar.flatMap(ScalarForm.bool)
  }

  /// The scalar at a path, if it has the form that the key table asks for.
  func accepted(_ path: String) -> (scalar: YAMLScalar, node: YAMLNode)? {
    guard let node = node(path), let scalar = node.scalar, let kind = KeyTable.entry(path)?.kind,
      ScalarForm.accepts(scalar, as: kind)
    else { return nil }
    return (scalar, node)
  }

  /// The text elements of a list, each with its node.
  func texts(_ path: String) -> [(text: String, node: YAMLNode)] {
    (node(path)?.sequence ?? []).compactMap { node in node.scalar.map { ($0.text, node) } }
  }

  /// A whole number within a range; outside of it an error.
  mutating func count(_ path: String, _ fallback: Int, in range: ClosedRange<Int>) -> Int {
    guard let (scalar, node) = accepted(path),
      let value = ScalarForm.integer(scalar) ?? ScalarForm.quotedInteger(scalar)
    else { return fallback }
    guard range.contains(value) else {
      log.add(
        .error, about: node, path, "\(value) is out of range: expected \(range.lowerBound) to \(range.upperBound)")
      return fallback
    }
    return value
  }

  /// A number of bytes within a range; outside of it an error.
  mutating func bytes(_ path: String, _ fallback: Int, in range: ClosedRange<Int>) -> Int {
    guard let (scalar, node) = accepted(path), let value = ScalarForm.bytes(scalar) else { return fallback }
    guard range.contains(value) else {
      log.add(
        .error, about: node, path,
        "\(value) is out of range: expected \(range.lowerBound) to \(range.upperBound) bytes")
      return fallback
    }
    return value
  }

  /// A duration of at least `least`; a shorter one is an error.
  mutating func duration(_ path: String, _ fallback: Duration, least: Duration) -> Duration {
    guard let (scalar, node) = accepted(path), let value = ScalarForm.duration(scalar) else { return fallback }
    guard value >= least else {
      let hint = !scalar.resolved.isText ? " (a bare number counts nanoseconds)" : ""
      log.add(
        .error, about: node, path,
        "\(GoDuration.format(value)) is too short: expected at least \(GoDuration.format(least))\(hint)")
      return fallback
    }
    return value
  }

  /// One word of a closed set, whatever its case; another one is an error. Empty text reads as absent.
  mutating func word<Word: RawRepresentable & CaseIterable>(_ path: String, _ fallback: Word) -> Word
  where Word.RawValue == String {
    guard let node = node(path), let text = node.scalar?.text, !text.isEmpty else { return fallback }
    guard let word = Word(rawValue: text.lowercased()) else {
      let known = Word.allCases.map(\.rawValue)
      let hint = Nearest.name(to: text, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
      log.add(
        .error, about: node, path,
        "\"\(Shown.text(text))\" is none of \(known.joined(separator: ", "))\(hint)")
      return fallback
    }
    return word
  }

  // MARK: Small sections

  /// The length of a page. Distribution takes zero and less as its default.
  private mutating func page(_ path: String) -> Int {
    let value = count(path, 1000, in: Int(Int32.min)...1_000_000)
    return value > 0 ? value : 1000
  }

  private mutating func logSettings() -> LogSettings {
    let older: LogSettings.Level = word("loglevel", .info)
    let level: LogSettings.Level = word("log.level", older)
    let fields = (node("log.fields")?.mapping?.entries ?? []).compactMap { entry in
      entry.value.scalar.map { LogSettings.Field(name: entry.key, value: $0.text) }
    }
    return LogSettings(
      level: level, formatter: word("log.formatter", .text), fields: fields,
      isAccessLogDisabled: bool("log.accesslog.disabled") ?? false, reportsCaller: bool("log.reportcaller") ?? false,
      auditFile: auditFile())
  }

  private mutating func auditFile() -> LogSettings.AuditFile? {
    let path = "log.audit.file"
    guard let node = node(path), let text = text(path), !text.isEmpty else { return nil }
    if Self.hasControlCharacter(text) { log.add(.error, about: node, path, "expected the path of a file") }
    return text == LogSettings.AuditFile.standardOutput.text ? .standardOutput : .file(path: text)
  }

  private enum PlatformsWord: String, CaseIterable {
    case all, none, list
  }

  private mutating func validationSettings() -> ValidationSettings {
    let indexes = "validation.manifests.indexes"
    let list = platforms("\(indexes).platformlist")
    let platforms: ValidationSettings.IndexPlatforms
    switch word("\(indexes).platforms", PlatformsWord.all) {
    case .all: platforms = .all
    case .none: platforms = .none
    case .list: platforms = .list(list)
    }
    if case .list = platforms {
      if list.isEmpty, let node = node("\(indexes).platforms") {
        log.add(.warning, about: node, "\(indexes).platforms", "platformlist is empty, so no image is checked for")
      }
    } else if !list.isEmpty, let node = node("\(indexes).platformlist") {
      log.add(.warning, about: node, "\(indexes).platformlist", "has no effect unless platforms is \"list\"")
    }
    return ValidationSettings(
      isDisabled: bool("validation.disabled") ?? false, urlsAllow: patterns("validation.manifests.urls.allow"),
      urlsDeny: patterns("validation.manifests.urls.deny"), indexPlatforms: platforms)
  }

  private mutating func platforms(_ path: String) -> [ValidationSettings.Platform] {
    var platforms: [ValidationSettings.Platform] = []
    for (index, node) in (node(path)?.sequence ?? []).enumerated() where node.mapping != nil {
      guard let architecture = node["architecture"]?.scalar?.text, let os = node["os"]?.scalar?.text,
        !architecture.isEmpty, !os.isEmpty
      else {
        log.add(.error, about: node, "\(path)[\(index)]", "a platform needs both architecture and os")
        continue
      }
      platforms.append(ValidationSettings.Platform(architecture: architecture, os: os))
    }
    return platforms
  }

  private mutating func patterns(_ path: String) -> [String] {
    var patterns: [String] = []
    for (index, element) in texts(path).enumerated() {
      do {
        _ = try Pattern(element.text)
        patterns.append(element.text)
      } catch {
        log.add(
          .error, about: element.node, "\(path)[\(index)]",
          "\"\(Shown.text(element.text))\" is not a regular expression: \(error)")
      }
    }
    return patterns
  }
}
