// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Builds the tree of one document from libyaml's events, within limits.
struct TreeBuilder {
  private let events: EventReader
  private let origin: String
  private let limits: YAMLLimits
  private var nodes = 0
  private var anchors: [String: (node: YAMLNode, nodes: Int)] = [:]

  init(events: EventReader, origin: String, limits: YAMLLimits) {
    self.events = events
    self.origin = origin
    self.limits = limits
  }

  /// The root of the first document, and where a second one begins.
  mutating func firstDocument() throws(YAMLError) -> (root: YAMLNode?, next: YAMLMark?) {
    var root: YAMLNode?
    while true {
      let (event, mark) = try events.next()
      switch event {
      case .streamEnd: return (root, nil)
      case .documentStart where root != nil: return (root, mark)
      case .streamStart, .documentStart, .documentEnd: continue
      default: root = try node(event, mark, depth: 0)
      }
    }
  }

  private mutating func node(_ event: YAMLEvent, _ mark: YAMLMark, depth: Int) throws(YAMLError) -> YAMLNode {
    let before = nodes
    try count(1, at: mark)
    let built: YAMLNode
    let name: String?
    switch event {
    case .alias(let target):
      guard let known = anchors[target] else { throw YAMLError(.unknownAnchor(target), at: mark) }
      try count(known.nodes - 1, at: mark)
      try check(depth: depth + Self.height(of: known.node), at: mark)
      return known.node
    case .scalar(let scalar, let anchor):
      try check(tag: scalar.tag, at: mark)
      (built, name) = (YAMLNode(.scalar(scalar), at: mark, origin: origin), anchor)
    case .sequenceStart(let tag, let anchor):
      try check(tag: tag, at: mark)
      (built, name) = (try sequence(at: mark, depth: depth + 1), anchor)
    case .mappingStart(let tag, let anchor):
      try check(tag: tag, at: mark)
      (built, name) = (try mapping(at: mark, depth: depth + 1), anchor)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      preconditionFailure("libyaml closed what it had not opened")
    }
    // Registered only when complete, so that no node can hold itself.
    if let name { anchors[name] = (built, nodes - before) }
    return built
  }

  private mutating func sequence(at start: YAMLMark, depth: Int) throws(YAMLError) -> YAMLNode {
    try check(depth: depth, at: start)
    var elements: [YAMLNode] = []
    while true {
      let (event, mark) = try events.next()
      if case .sequenceEnd = event { return YAMLNode(.sequence(elements), at: start, origin: origin) }
      elements.append(try node(event, mark, depth: depth))
    }
  }

  private mutating func mapping(at start: YAMLMark, depth: Int) throws(YAMLError) -> YAMLNode {
    try check(depth: depth, at: start)
    var own = YAMLMapping()
    var merged: [YAMLMapping] = []
    while true {
      let (event, mark) = try events.next()
      if case .mappingEnd = event { break }
      guard let key = try node(event, mark, depth: depth).scalar else { throw YAMLError(.keyNotScalar, at: mark) }
      let (valueEvent, valueMark) = try events.next()
      let value = try node(valueEvent, valueMark, depth: depth)
      if key.style == .plain, key.tag == nil, key.text == "<<" {
        merged += try mergeSources(value, at: valueMark)
        continue
      }
      if let first = own.entry(key.text) {
        throw YAMLError(.duplicateKey(key.text, first: first.keyMark), at: mark)
      }
      own.set(YAMLMapping.Entry(key: key.text, keyMark: mark, value: value))
    }
    // Own keys win over merged ones, and earlier merged mappings over later ones (YAML merge key, 1.1).
    for entry in merged.lazy.flatMap(\.entries) where own.entry(entry.key) == nil {
      own.set(entry)
    }
    return YAMLNode(.mapping(own), at: start, origin: origin)
  }

  private func mergeSources(_ value: YAMLNode, at mark: YAMLMark) throws(YAMLError) -> [YAMLMapping] {
    if let mapping = value.mapping { return [mapping] }
    guard let elements = value.sequence else { throw YAMLError(.mergeNotMapping, at: mark) }
    var sources: [YAMLMapping] = []
    for element in elements {
      guard let mapping = element.mapping else { throw YAMLError(.mergeNotMapping, at: mark) }
      sources.append(mapping)
    }
    return sources
  }

  /// Levels of collections in a finished node; recursion is bounded by `depthMax`, work by the nodes just counted.
  private static func height(of node: YAMLNode) -> Int {
    switch node.content {
    case .scalar: 0
    case .sequence(let elements): 1 + (elements.lazy.map(height).max() ?? 0)
    case .mapping(let mapping): 1 + (mapping.entries.lazy.map { height(of: $0.value) }.max() ?? 0)
    }
  }

  private mutating func count(_ added: Int, at mark: YAMLMark) throws(YAMLError) {
    nodes += added
    guard nodes <= limits.nodesMax else { throw YAMLError(.tooManyNodes(nodesMax: limits.nodesMax), at: mark) }
  }

  private func check(depth: Int, at mark: YAMLMark) throws(YAMLError) {
    guard depth <= limits.depthMax else { throw YAMLError(.tooDeep(depthMax: limits.depthMax), at: mark) }
  }

  private func check(tag: String?, at mark: YAMLMark) throws(YAMLError) {
    guard YAMLTag.isSupported(tag) else { throw YAMLError(.unsupportedTag(tag ?? ""), at: mark) }
  }
}
