// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

extension DiskState {
  /// Makes contents durable, except what an earlier failed sync has dropped.
  mutating func sync(_ id: NodeID) {
    if nodes[id]!.lostChanges {
      for change in nodes[id]!.contentChanges { apply(change, to: &nodes[id]!.durableContent) }
    } else {
      nodes[id]!.durableContent = nodes[id]!.content
    }
    nodes[id]!.settleContentChanges()
  }

  /// Makes the names of a directory durable, except what an earlier failed sync has dropped.
  mutating func syncNames(_ id: NodeID) {
    if nodes[id]!.lostChanges {
      for change in nodes[id]!.nameChanges { nodes[id]!.durableEntries[change.name] = change.node }
    } else {
      nodes[id]!.durableEntries = nodes[id]!.entries
    }
    nodes[id]!.settleNameChanges()
  }

  /// Makes durable what was there when a sync began: the first changes of contents and names since the node was made.
  mutating func sync(_ id: NodeID, contentChanges: Int, nameChanges: Int) {
    let contents = contentChanges - nodes[id]!.settledContentChanges
    if contents > 0 {
      for change in nodes[id]!.contentChanges.prefix(contents) { apply(change, to: &nodes[id]!.durableContent) }
      nodes[id]!.contentChanges.removeFirst(contents)
      nodes[id]!.settledContentChanges += contents
    }
    let names = nameChanges - nodes[id]!.settledNameChanges
    if names > 0 {
      for change in nodes[id]!.nameChanges.prefix(names) { nodes[id]!.durableEntries[change.name] = change.node }
      nodes[id]!.nameChanges.removeFirst(names)
      nodes[id]!.settledNameChanges += names
    }
  }

  /// What a failed sync of a file does: pending writes count as written and are not, so that a second sync does not
  /// help. Names are not dropped: a file system that cannot write its own structure stops (ext4 aborts its journal, xfs
  /// and btrfs shut down), and as long as it goes on it still owes them.
  mutating func loseChanges(_ id: NodeID) {
    guard !nodes[id]!.isDirectory else { return }
    nodes[id]!.lostChanges = true
    nodes[id]!.settleContentChanges()
  }

  /// Drops from memory what failed syncs have lost, as a kernel does that needs the room: what is read from now on is
  /// what the disk has, and zeros where it has nothing.
  mutating func forgetLostChanges(of chosen: Set<NodeID>? = nil) {
    for (id, node) in nodes where node.lostChanges && !node.isDirectory && chosen?.contains(id) ?? true {
      var content = node.durableContent
      for change in node.contentChanges { apply(change, to: &content) }
      content = Array(content.prefix(node.content.count))
      content += [UInt8](repeating: 0, count: node.content.count - content.count)
      nodes[id]!.content = content
    }
  }

  /// The disk after a power cut: no open files, no locks, everything that is left is durable.
  func afterPowerCut(_ keeping: CrashKeeping) -> DiskState {
    var survival = Survival(keeping)
    var result = self
    result.opens = [:]
    result.nodes = [:]
    result.used = 0
    var pending = [Self.root]
    var directories: Set<NodeID> = [Self.root]
    // Directories are visited in the order of their names: a seed must mean the same in every process.
    while let id = pending.popLast() {
      guard result.nodes[id] == nil, var node = nodes[id] else { continue }
      if node.isDirectory {
        var entries = node.durableEntries
        for change in node.nameChanges where survival.keeps(change) { entries[change.name] = change.node }
        node.entries = [:]
        for (name, child) in entries.sorted(by: { $0.key > $1.key }) {
          // A directory of whose rename one half survived keeps one place, or the tree could close in on itself.
          if nodes[child]!.isDirectory, !directories.insert(child).inserted { continue }
          node.entries[name] = child
          pending.append(child)
        }
      } else {
        var content = node.durableContent
        for change in node.contentChanges { survival.apply(change, to: &content) }
        node.content = content
        result.used += content.count
      }
      node.settle()
      result.nodes[id] = node
    }
    result.countLinks()
    result.separateNumbers()
    return result
  }

  /// The same tree, all of it durable: how a test sets the stage.
  func allDurable() -> DiskState {
    var result = self
    for id in nodes.keys {
      result.nodes[id]!.settleContentChanges()
      result.nodes[id]!.settleNameChanges()
      result.nodes[id]!.durableContent = nodes[id]!.content
      result.nodes[id]!.durableEntries = nodes[id]!.entries
      result.nodes[id]!.lostChanges = false
    }
    return result
  }

  /// A number that was given on while a power cut could still bring its first owner back may stand twice.
  private mutating func separateNumbers() {
    var seen: Set<UInt64> = []
    freeNumbers = []
    for id in nodes.keys.sorted() where !seen.insert(nodes[id]!.number).inserted {
      nodes[id]!.number = 1 << 32 | UInt64(id)
    }
  }

  private mutating func countLinks() {
    for id in nodes.keys {
      for child in nodes[id]!.entries.values { nodes[child]!.links += 1 }
    }
    nodes[Self.root]!.links = 1
  }
}

extension DiskState.Node {
  fileprivate mutating func settleContentChanges() {
    settledContentChanges += contentChanges.count
    contentChanges = []
  }

  fileprivate mutating func settleNameChanges() {
    settledNameChanges += nameChanges.count
    nameChanges = []
  }

  /// Forgets what only a running system knows.
  fileprivate mutating func settle() {
    durableContent = content
    durableEntries = entries
    contentChanges = []
    nameChanges = []
    lostChanges = false
    links = 0
    opens = 0
    lock = nil
  }
}

/// Decides which changes that were not synced survive.
private struct Survival {
  private static let sectorBytes = 512
  private let keeping: CrashKeeping
  private var generator: SplitMix64
  private var groups: [Int: Bool] = [:]

  init(_ keeping: CrashKeeping) {
    self.keeping = keeping
    if case .seeded(let seed) = keeping { generator = SplitMix64(seed: seed) } else { generator = SplitMix64(seed: 0) }
  }

  mutating func keeps(_ change: DiskState.NameChange) -> Bool {
    switch keeping {
    case .synced, .contents: return false
    case .names, .everything: return true
    case .seeded:
      // Both halves of a rename share one fate: no file system here loses a file by renaming it.
      if let known = groups[change.group] { return known }
      let decision = generator.oneIn(2)
      groups[change.group] = decision
      return decision
    }
  }

  mutating func apply(_ change: DiskState.ContentChange, to content: inout [UInt8]) {
    switch keeping {
    case .synced, .names: return
    case .contents, .everything: GantryTestKit.apply(change, to: &content)
    case .seeded:
      switch (generator.below(3), change) {
      case (0, _): return
      case (1, .write(let offset, let bytes)): tear(bytes, at: offset, into: &content)
      default: GantryTestKit.apply(change, to: &content)
      }
    }
  }

  // Sectors survive one by one; a file that grew may have grown without them.
  private mutating func tear(_ bytes: [UInt8], at offset: Int, into content: inout [UInt8]) {
    var start = offset
    while start < offset + bytes.count {
      let end = min(offset + bytes.count, (start / Self.sectorBytes + 1) * Self.sectorBytes)
      if generator.oneIn(2) {
        let sector = Array(bytes[(start - offset)..<(end - offset)])
        GantryTestKit.apply(.write(offset: start, bytes: sector), to: &content)
      }
      start = end
    }
  }
}
