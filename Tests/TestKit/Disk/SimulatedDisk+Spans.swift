// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// A sync that has begun: what it makes durable is what was there then.
public struct SyncSpan: Sendable {
  fileprivate var node: DiskState.NodeID
  fileprivate var contentChanges: Int
  fileprivate var nameChanges: Int
}

/// Syncs that take time, for whoever repeats what another program did: its other calls came in between.
extension SimulatedDisk {
  /// Begins a sync of an open file or directory of this disk.
  ///
  /// - Precondition: `file` was opened on this disk and is alive.
  public func beginSync(_ file: any OpenFile) -> SyncSpan {
    guard let opened = file as? SimulatedOpenFile, let span = span(of: opened.id) else {
      preconditionFailure("a sync of a file that is not open on this disk")
    }
    return span
  }

  /// Ends a sync: what was written and named before it began is durable; what came after is not by it. A directory that
  /// is gone, or a file that nothing can hold any more, has nothing to keep.
  public func endSync(_ span: SyncSpan) {
    change { disk in
      guard disk.nodes[span.node] != nil else { return }
      disk.sync(span.node, contentChanges: span.contentChanges, nameChanges: span.nameChanges)
    }
  }

  /// Ends a sync that failed: what was pending is lost for good, though it can still be read.
  public func failSync(_ span: SyncSpan) {
    change { disk in
      if disk.nodes[span.node] != nil { disk.loseChanges(span.node) }
    }
  }

  private func span(of id: DiskState.OpenID) -> SyncSpan? {
    change { disk in
      guard let node = disk.opens[id]?.node, let state = disk.nodes[node] else { return nil }
      return SyncSpan(
        node: node, contentChanges: state.settledContentChanges + state.contentChanges.count,
        nameChanges: state.settledNameChanges + state.nameChanges.count)
    }
  }
}
