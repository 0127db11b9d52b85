// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld
internal import GantryYAML

/// A file of scenarios: what is run, and, where the command line does not say, against what.
public struct ScenarioFile: Sendable {
  /// What data is made from; nil where the file does not say.
  public var seed: UInt64?
  /// Rounds; nil where the file does not say.
  public var rounds: Int?
  /// Targets by name.
  public var targets: [Target] = []
  /// The scenarios, in order.
  public var scenarios: [ScenarioSpec] = []

  /// Reads a file; throws the first mistake with its place.
  public init(path: String) throws(InputError) {
    try self.init(text: try Self.read(path), origin: path)
  }

  /// Reads the text of a file that is called `origin` in messages.
  public init(text: [UInt8], origin: String) throws(InputError) {
    var reader = try Self.root(text, origin)
    seed = try reader.count("seed", 0...Int.max).map { UInt64($0) }
    rounds = try reader.count("rounds", 1...1000)
    if let node = reader.node("targets") {
      guard let mapping = node.mapping else { throw node.wrong("targets must be a mapping of names to settings") }
      for entry in mapping.entries { targets.append(try Self.target(entry.key, entry.value)) }
    }
    for node in try reader.list("scenarios") { scenarios.append(try ScenarioSpec(node)) }
    try reader.end()
    guard !scenarios.isEmpty else { throw reader.node.wrong("there are no scenarios") }
    var names: Set<String> = []
    for spec in scenarios where !names.insert(spec.name).inserted {
      throw reader.node.wrong("two scenarios are called \"\(spec.name)\"")
    }
  }

  /// Reads one scenario alone; throws the first mistake with its place in `text`.
  public static func scenario(text: [UInt8], origin: String) throws(InputError) -> ScenarioSpec {
    try ScenarioSpec(try root(text, origin).node)
  }

  static func root(_ text: [UInt8], _ origin: String) throws(InputError) -> MappingReader {
    let document: YAMLDocument
    do throws(YAMLError) { document = try YAMLDocument(text, origin: origin) } catch {
      throw InputError("\(origin):\(error)")
    }
    guard let root = document.root else { throw InputError("\(origin):1:1: the file is empty") }
    return try MappingReader(root, "the file")
  }

  static func read(_ path: String) throws(InputError) -> [UInt8] {
    do throws(FileError) {
      let file = try LoopGroup.files.open(path, .read)
      return try file.read(Int(clamping: min(try file.status().size, 1 << 21)), at: 0)
    } catch {
      throw InputError("\(path): cannot be read: \(LoopError.text(error.code))")
    }
  }

  private static func target(_ name: String, _ node: YAMLNode) throws(InputError) -> Target {
    var reader = try MappingReader(node, "a target")
    guard let text = try reader.text("url") else { throw node.wrong("target \"\(name)\" has no url") }
    let url: TargetURL
    do throws(InputError) { url = try TargetURL(text) } catch { throw node.wrong(error.description) }
    var target = Target(name: name, url: url)
    target.isStatic = try reader.flag("static") ?? false
    target.process = try reader.count("pid", 1...Int(Int32.max))
    if let user = try reader.text("user") {
      target.credentials = Credentials(user: user, password: try reader.text("password") ?? "")
    }
    try reader.end()
    return target
  }
}

extension ScenarioSpec {
  /// Reads one scenario of a file.
  init(_ node: YAMLNode, isPart: Bool = false) throws(InputError) {
    var reader = try MappingReader(node, "a scenario")
    guard let kind = try reader.choice("kind", ScenarioKind.self) else { throw node.wrong("a scenario has no kind") }
    self.init(name: try reader.text("name") ?? kind.rawValue, kind: kind)
    let most = 1 << 20
    clients = try reader.count("clients", 1...most) ?? clients
    duration = try reader.duration("duration") ?? duration
    let warmupNode = reader.node("warmup")
    warmup = try reader.duration("warmup") ?? warmup
    rate = try reader.number("rate")
    operations = try reader.count("operations", 1...Int(Int32.max)) ?? operations
    if operations != nil {
      if let warmupNode, warmup > 0 {
        throw warmupNode.wrong("what has operations is measured from the first of them: it can have no warmup")
      }
      warmup = 0
    }
    verify = try reader.flag("verify") ?? verify
    discard = try reader.flag("discard") ?? discard
    timeout = try reader.duration("timeout") ?? timeout
    repository = try reader.text("repository") ?? repository
    repositories = try reader.count("repositories", 1...most) ?? repositories
    path = try reader.text("path") ?? path
    by = try reader.choice("by", ManifestReference.self) ?? by
    count = try reader.count("count", 1...most) ?? count
    size = try reader.size("size") ?? size
    manifestSize = try reader.size("manifest-size") ?? manifestSize
    layers = try reader.count("layers", 0...1000) ?? layers
    parallel = try reader.count("parallel", 1...64) ?? parallel
    chunk = try reader.size("chunk") ?? chunk
    cuts = try reader.count("cuts", 0...1000) ?? cuts
    tags = try reader.count("tags", 1...10_000_000) ?? tags
    page = try reader.count("page", 0...1_000_000) ?? page
    if let rate, !(0.001...1e7).contains(rate) { throw node.wrong("rate must be from 0.001 to 10 million") }
    guard duration > 0, chunk > 0, timeout > 0, manifestSize <= 4 << 20 else {
      throw node.wrong("duration, chunk and timeout must be above 0, manifest-size at most 4MiB")
    }
    for part in try reader.list("mix") {
      var inner = try MappingReader(part, "a part of a mix")
      let weight = try inner.count("weight", 1...1_000_000) ?? 1
      mix.append((weight, try ScenarioSpec(part.without("weight"), isPart: true)))
    }
    for part in try reader.list("beside") {
      var inner = try MappingReader(part, "what runs beside")
      let target = try inner.text("target")
      beside.append((target, try ScenarioSpec(part.without("target"), isPart: true)))
    }
    try reader.end()
    if kind == .mixed, mix.isEmpty { throw node.wrong("a mixed scenario needs a mix") }
    if kind != .mixed, !mix.isEmpty { throw node.wrong("only a mixed scenario has a mix") }
    if isPart, !mix.isEmpty || !beside.isEmpty { throw node.wrong("a part can have no parts of its own") }
  }
}

extension YAMLNode {
  /// The mapping without one key.
  fileprivate func without(_ key: String) -> YAMLNode {
    guard let mapping else { return self }
    var rest = YAMLMapping()
    for entry in mapping.entries where entry.key != key { rest.set(entry) }
    return YAMLNode(.mapping(rest), at: mark, origin: origin)
  }
}
