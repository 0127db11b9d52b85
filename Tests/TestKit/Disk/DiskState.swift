// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// The inodes of a simulated disk: what processes see, and what a power cut would leave.
///
/// A value, so that the tree after a power cut is a copy and no disk has to die for a question.
struct DiskState: Sendable {
  typealias NodeID = Int
  typealias OpenID = Int

  /// A change of contents that was not synced.
  enum ContentChange: Sendable {
    case write(offset: Int, bytes: [UInt8])
    case truncate(size: Int)
  }

  /// A change of a directory that was not synced: the name now means `node`, or nothing. The halves of one rename
  /// carry the same `group`.
  struct NameChange: Sendable {
    var group: Int
    var name: String
    var node: NodeID?
  }

  struct Node: Sendable {
    var number: UInt64
    let isDirectory: Bool
    var parent: NodeID
    var content: [UInt8] = []
    var entries: [String: NodeID] = [:]
    // What is synced. A file that never was has no contents to keep.
    var durableContent: [UInt8] = []
    var durableEntries: [String: NodeID] = [:]
    var contentChanges: [ContentChange] = []
    var nameChanges: [NameChange] = []
    // How many changes stood in these lists before, and were synced or lost.
    var settledContentChanges = 0
    var settledNameChanges = 0
    // A sync failed: what was pending then is dropped for good, though it can still be read (as Linux does it).
    var lostChanges = false
    var links = 0
    var opens = 0
    var lock: OpenID?
    var changed: WallTime
    var modified: WallTime
  }

  struct Open: Sendable {
    var node: NodeID
    var process: SimulatedScheduler.ProcessID?
    var path: String
    var isWritable: Bool
  }

  static let root: NodeID = 0
  static let nameLengthMax = 255
  static let pathLengthMax = 4095

  let capacity: Int
  let nodesMax: Int
  let openFilesMax: Int
  var reusesInodes = false
  var nodes: [NodeID: Node] = [:]
  var opens: [OpenID: Open] = [:]
  var used = 0
  var now = WallTime(seconds: 0)
  var nextGroup = 0
  private var nextNode: NodeID = 0
  private var nextOpen: OpenID = 0
  var freeNumbers: [UInt64] = []
  private var sweepAt = 4096

  init(capacity: Int, nodesMax: Int, openFilesMax: Int) {
    self.capacity = capacity
    self.nodesMax = nodesMax
    self.openFilesMax = openFilesMax
    let root = makeNode(isDirectory: true, parent: Self.root)
    nodes[root]?.links = 1
  }

  // MARK: Paths

  /// The parts of a path: `.` dropped, `..` taken back.
  static func parts(of path: String, _ kind: FileOperation.Kind) throws(FileError) -> [String] {
    guard !path.isEmpty else { throw FileError(.absent, operation: kind.systemName, path: path, code: 2) }
    guard let parts = parts(of: path) else {
      throw FileError(.invalidName, operation: kind.systemName, path: path, code: 36)
    }
    return parts
  }

  // By bytes: characters would have to be told apart first, in every call to the disk.
  private static func parts(of path: String) -> [String]? {
    var path = path
    return path.withUTF8 { bytes in
      guard bytes.count <= pathLengthMax else { return nil }
      var (parts, start) = ([String](), 0)
      for at in 0...bytes.count where at == bytes.count || bytes[at] == UInt8(ascii: "/") || bytes[at] == 0 {
        let length = at - start
        if length > nameLengthMax || (at < bytes.count && bytes[at] == 0) { return nil }
        defer { start = at + 1 }
        if length == 0 { continue }
        let part = String(decoding: bytes[start..<at], as: UTF8.self)
        if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
      }
      return parts
    }
  }

  /// What stands at `path`; nil when nothing does, be it that a part on the way is missing or no directory.
  func find(_ path: String, _ kind: FileOperation.Kind) throws(FileError) -> NodeID? {
    walk(try Self.parts(of: path, kind)[...])
  }

  /// The directory that holds the last name of `path`, and that name.
  func parent(of path: String, _ kind: FileOperation.Kind) throws(FileError) -> (directory: NodeID, name: String) {
    let parts = try Self.parts(of: path, kind)
    guard let name = parts.last else { throw FileError(.exists, operation: kind.systemName, path: path, code: 17) }
    guard let directory = walk(parts.dropLast()), nodes[directory]!.isDirectory else {
      throw FileError(.absent, operation: kind.systemName, path: path, code: 2)
    }
    return (directory, name)
  }

  private func walk(_ parts: ArraySlice<String>) -> NodeID? {
    var node = Self.root
    for part in parts {
      guard let next = nodes[node]!.entries[part] else { return nil }
      node = next
    }
    return node
  }

  /// The path of every file and directory below the root, sorted.
  func paths() -> [(path: String, node: NodeID)] {
    var result: [(path: String, node: NodeID)] = []
    var pending = [(path: "", node: Self.root)]
    while let (path, node) = pending.popLast() {
      for (name, child) in nodes[node]!.entries {
        result.append(("\(path)/\(name)", child))
        if nodes[child]!.isDirectory { pending.append(("\(path)/\(name)", child)) }
      }
    }
    return result.sorted { $0.path < $1.path }
  }

  // MARK: Nodes

  mutating func makeNode(isDirectory: Bool, parent: NodeID) -> NodeID {
    let id = nextNode
    nextNode += 1
    let number = freeNumbers.popLast() ?? UInt64(id + 2)
    nodes[id] = Node(number: number, isDirectory: isDirectory, parent: parent, changed: now, modified: now)
    return id
  }

  /// Lets `name` in `directory` mean `node`, or nothing.
  mutating func setName(_ name: String, in directory: NodeID, to node: NodeID?, group: Int) {
    let old = nodes[directory]!.entries[name]
    nodes[directory]!.entries[name] = node
    nodes[directory]!.nameChanges.append(NameChange(group: group, name: name, node: node))
    nodes[directory]!.changed = now
    nodes[directory]!.modified = now
    if let node {
      nodes[node]!.links += 1
      nodes[node]!.changed = now
      if nodes[node]!.isDirectory { nodes[node]!.parent = directory }
    }
    if let old {
      nodes[old]!.links -= 1
      nodes[old]!.changed = now
      release(old)
    }
  }

  mutating func group() -> Int {
    nextGroup += 1
    return nextGroup
  }

  /// Gives the room of `node` back when no name and no open file holds it. It stays known while the tree after a
  /// power cut may hold it.
  private mutating func release(_ node: NodeID) {
    guard nodes[node]!.links == 0, nodes[node]!.opens == 0 else { return }
    used -= nodes[node]!.content.count
    if reusesInodes { freeNumbers.append(nodes[node]!.number) }
    if nodes.count > sweepAt { sweep() }
  }

  private mutating func sweep() {
    var reached: Set<NodeID> = [Self.root]
    var pending = [Self.root]
    func visit(_ node: NodeID) {
      if reached.insert(node).inserted { pending.append(node) }
    }
    for open in opens.values { visit(open.node) }
    while let id = pending.popLast() {
      guard let node = nodes[id] else { continue }
      for child in node.entries.values { visit(child) }
      for child in node.durableEntries.values { visit(child) }
      for change in node.nameChanges { if let child = change.node { visit(child) } }
    }
    nodes = nodes.filter { reached.contains($0.key) }
    sweepAt = max(4096, nodes.count * 2)
  }

  // MARK: Open files

  mutating func open(_ node: NodeID, process: SimulatedScheduler.ProcessID?, path: String, isWritable: Bool) -> OpenID {
    let id = nextOpen
    nextOpen += 1
    opens[id] = Open(node: node, process: process, path: path, isWritable: isWritable)
    nodes[node]!.opens += 1
    return id
  }

  mutating func close(_ id: OpenID) {
    guard let open = opens.removeValue(forKey: id) else { return }
    if nodes[open.node]!.lock == id { nodes[open.node]!.lock = nil }
    nodes[open.node]!.opens -= 1
    release(open.node)
  }

  mutating func closeAll(of process: SimulatedScheduler.ProcessID?) {
    // In the order of their making: numbers come free in this order, and a seed must mean the same in every process.
    for id in opens.keys.sorted() where process == nil || opens[id]?.process == process { close(id) }
  }

  /// Writes what fits; false when that is not all.
  mutating func write(_ bytes: [UInt8], at offset: UInt64, to node: NodeID) -> Bool {
    let size = nodes[node]!.content.count
    guard offset <= UInt64(capacity) else { return false }
    let start = Int(offset)
    let sizeMax = size + capacity - used
    let kept = max(0, min(bytes.count, sizeMax - start))
    guard kept > 0 else { return bytes.isEmpty }
    let written = kept == bytes.count ? bytes : Array(bytes[..<kept])
    apply(.write(offset: start, bytes: written), to: &nodes[node]!.content)
    used += nodes[node]!.content.count - size
    nodes[node]!.contentChanges.append(.write(offset: start, bytes: written))
    touch(node)
    return kept == bytes.count
  }

  /// Cuts or extends; false when there is no room.
  mutating func truncate(_ node: NodeID, to size: UInt64) -> Bool {
    let old = nodes[node]!.content.count
    guard size <= UInt64(old + capacity - used) else { return false }
    apply(.truncate(size: Int(size)), to: &nodes[node]!.content)
    used += Int(size) - old
    nodes[node]!.contentChanges.append(.truncate(size: Int(size)))
    touch(node)
    return true
  }

  private mutating func touch(_ node: NodeID) {
    nodes[node]!.changed = now
    nodes[node]!.modified = now
  }
}

/// Does to `content` what `change` says.
func apply(_ change: DiskState.ContentChange, to content: inout [UInt8]) {
  switch change {
  case .write(let offset, let bytes):
    let end = offset + bytes.count
    if content.count < offset { content.append(contentsOf: repeatElement(0, count: offset - content.count)) }
    if offset == content.count {
      content.append(contentsOf: bytes)
    } else {
      let overlap = min(end, content.count)
      content.replaceSubrange(offset..<overlap, with: bytes)
    }
  case .truncate(let size):
    if size < content.count {
      content.removeLast(content.count - size)
    } else {
      content.append(contentsOf: repeatElement(0, count: size - content.count))
    }
  }
}
