// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// Which record of a journal is the last one about each link.
///
/// Who applies a journal once more passes over what a later record takes back: others may be reading the tree, and
/// would see for a moment what counts no more; and in the place of a link that was lost it would write an older one.
struct LastRecords {
  private struct Last {
    var ordinal: Int
    var record: JournalRecord
    /// Whether it stands in place: nothing was lost since.
    var stands: Bool
  }

  private let tree: StoredTree
  private let last: [String: Last]

  /// Looks at all records that count, in their order. What was written under the boots that live stands in place.
  init(
    _ all: [JournalSegments.Segment], segments: JournalSegments, tree: StoredTree, living: Set<String>
  ) throws(FileError) {
    var (last, count) = ([String: Last](), 0)
    for segment in all {
      try segments.read(segment) { (entry) throws(FileError) in
        defer { count += 1 }
        if entry.isVoid { return }
        last[entry.record.link(tree.layout).file] = Last(
          ordinal: count, record: entry.record.withoutContent, stands: living.contains(entry.boot.boot))
      }
    }
    (self.tree, self.last) = (tree, last)
  }

  /// Whether a later record about the same link than this one, the `ordinal`th counted from 0, decides what it says.
  func decideOver(
    _ record: JournalRecord, _ ordinal: Int, _ application: RecordApplication
  ) throws(FileError) -> Bool {
    guard let last = last[record.link(tree.layout).file], last.ordinal > ordinal else { return false }
    if case .anew = application {
      // Only another target has another file: a record that says the same has left the one that may be lost.
      if case .tag(_, let digest, _) = record, case .tag(_, let target, _) = last.record { return digest != target }
      return last.record.isRemoval
    }
    if last.stands { return true }
    switch last.record {
    case .noLayer, .noManifest, .noTag: return !record.isRemoval
    // The same link says the same.
    case .blob, .layer, .manifest: return false
    // It is applied only to a manifest that is there.
    case .tag(_, let digest, let name):
      return try tree.link(tree.layout.revision(digest, in: name), named: digest) != nil
    }
  }

  /// Whether what the record's link was in the meantime is gone with it: a tag that is removed leaves no index.
  func removes(_ record: JournalRecord) -> Bool { last[record.link(tree.layout).file]?.record.isRemoval ?? false }
}

extension JournalRecord {
  /// The link that the record is about, of a tag the one that tells its target.
  func link(_ layout: Layout) -> Layout.Place {
    switch self {
    case .blob(let digest, _, let name), .layer(let digest, _, let name), .noLayer(let digest, let name):
      layout.layer(digest, in: name)
    case .manifest(let digest, _, let name), .noManifest(let digest, let name): layout.revision(digest, in: name)
    case .tag(let tag, _, let name), .noTag(let tag, let name): layout.current(tag, in: name)
    }
  }

  fileprivate var withoutContent: JournalRecord {
    switch self {
    case .blob(let digest, _, let name): .blob(digest, .present, in: name)
    case .manifest(let digest, _, let name): .manifest(digest, .present, in: name)
    case .layer, .tag, .noLayer, .noManifest, .noTag: self
    }
  }
}
