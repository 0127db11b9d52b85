// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Links that another registry has written long after the journal was: tags that it moved, and what it stored that the
/// journal takes away.
///
/// A running registry leaves no records that old behind. So there was a kill, then another registry, and then a power
/// cut; what stands in place is right.
struct LinksWrittenSince {
  /// How much younger the link in place is, at least, in seconds.
  private static let secondsMin: Int64 = 3600

  private var links: Set<String> = []

  /// None.
  init() {}

  /// Looks at the tags that the segments name, and at what they take away.
  init(
    _ closed: [JournalSegments.Segment], segments: JournalSegments, tree: StoredTree
  ) throws(FileError) {
    var written: [String: WallTime] = [:]
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        guard !entry.isVoid, let link = Self.link(entry.record, tree.layout) else { return }
        written[link] = max(entry.writtenAt, written[link] ?? entry.writtenAt)
      }
    }
    for (link, writtenAt) in written.sorted(by: { $0.key < $1.key }) {
      guard let status = try tree.files.status(link),
        status.modified.seconds > writtenAt.seconds + Self.secondsMin,
        let standing = try tree.contents(of: link, atMost: StoredTree.linkBytesMax), StoredTree.isLegible(standing)
      else { continue }
      tree.report("\(link) stays as it is: it was written long after the journal's records of it")
      links.insert(link)
    }
  }

  /// Whether the record is about one of them.
  func contains(_ record: JournalRecord, layout: Layout) -> Bool {
    Self.link(record, layout).map { links.contains($0) } ?? false
  }

  private static func link(_ record: JournalRecord, _ layout: Layout) -> String? {
    switch record {
    case .tag, .noTag, .noLayer, .noManifest: record.link(layout).file
    case .blob, .layer, .manifest: nil
    }
  }
}
