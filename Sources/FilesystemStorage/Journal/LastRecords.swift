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
    if last.stands || last.record.isRemoval && !record.isRemoval { return true }
    switch last.record {
    // The same link says the same; and it is not taken away where it is put back.
    case .blob, .layer, .manifest: return record.isRemoval ? try isThere(last.record) : false
    // It is applied only to a manifest that is there.
    case .tag(_, let digest, let name):
      let revision = tree.layout.revision(digest, in: name)
      if let manifest = self.last[revision.file], manifest.ordinal < last.ordinal, !manifest.record.isRemoval {
        return try isThere(manifest.record)
      }
      return try tree.link(revision, named: digest) != nil
    case .noLayer, .noManifest, .noTag: return false
    }
  }

  // Whether the content of a record can be put in place, or is there.
  private func isThere(_ record: JournalRecord) throws(FileError) -> Bool {
    switch (record, record.content) {
    case (_, .inline): return true
    case (_, .staged(let staged)) where try tree.files.status(tree.layout.staged(staged)) != nil: return true
    case (.blob(let digest, _, _), _), (.manifest(let digest, _, _), _), (.layer(_, let digest, _), _):
      return try tree.files.status(tree.layout.blob(digest).file) != nil
    case (.tag, _), (.noLayer, _), (.noManifest, _), (.noTag, _): return false
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

  /// Without the bytes.
  fileprivate var withoutContent: JournalRecord {
    switch self {
    case .blob(let digest, .inline, let name): .blob(digest, .inline([]), in: name)
    case .manifest(let digest, .inline, let name): .manifest(digest, .inline([]), in: name)
    case .blob, .manifest, .layer, .tag, .noLayer, .noManifest, .noTag: self
    }
  }
}
