// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// What has to be synced so that records are durable in place, each file and directory once however many records touch
/// it.
struct RecordSyncs: Sendable {
  private var known: Set<String> = []
  private var contents: [String] = []
  private var directories: [String] = []
  /// Content that the journal needs no more afterwards.
  private(set) var staged: [StagedContent] = []

  /// How many syncs are left.
  var count: Int { contents.count + directories.count }

  /// Takes in what the record of an entry touches. Content that a void one brought is its process's to remove, which
  /// may be about to write the record once more.
  mutating func note(_ entry: JournalEntry, layout: Layout) {
    let before = staged
    note(entry.record, layout: layout)
    if entry.isVoid { staged = before }
  }

  /// Takes in what `record` touches.
  mutating func note(_ record: JournalRecord, layout: Layout) {
    switch record {
    case .blob(let digest, let content, let name):
      note(content, at: layout.blob(digest))
      noteFile(layout.layer(digest, in: name))
    case .manifest(let digest, let content, let name):
      note(content, at: layout.blob(digest))
      noteFile(layout.revision(digest, in: name))
    case .layer(let digest, _, let name):
      noteFile(layout.layer(digest, in: name))
    case .tag(let tag, let digest, let name):
      noteFile(layout.index(tag, digest, in: name))
      noteFile(layout.current(tag, in: name))
    case .noLayer(let digest, let name):
      noteDirectory(layout.layer(digest, in: name).directory)
    case .noManifest(let digest, let name):
      noteDirectory(layout.revision(digest, in: name).directory)
    case .noTag(let tag, let name):
      // The first two are there when the removal came no further than the link.
      noteDirectory(layout.current(tag, in: name).directory)
      noteDirectory(layout.tag(tag, in: name))
      noteDirectory(layout.tags(in: name))
    }
  }

  /// Does some of the syncs, contents before names. What is gone by now was removed by a later record.
  mutating func advance(_ most: Int, in files: any Files) throws(FileError) {
    for _ in 0..<min(most, count) {
      do throws(FileError) {
        if let path = contents.last {
          try files.open(path, .readWrite).sync()
          contents.removeLast()
        } else if let directory = directories.last {
          try files.syncDirectory(directory)
          directories.removeLast()
        }
      } catch  where error.reason == .absent {
        if contents.popLast() == nil { directories.removeLast() }
      }
    }
  }

  private mutating func note(_ content: JournalContent, at place: Layout.Place) {
    if case .inline = content { noteContents(place.file) }
    if case .staged(let content) = content { staged.append(content) }
    noteChain(place)
  }

  private mutating func noteFile(_ place: Layout.Place) {
    noteContents(place.file)
    noteChain(place)
  }

  private mutating func noteContents(_ path: String) {
    if known.insert(path).inserted { contents.append(path) }
  }

  private mutating func noteDirectory(_ path: String) {
    if known.insert(path).inserted { directories.append(path) }
  }

  // The file's directory, and every one above that a name was or may have been given in. What is above those is durable
  // before there is a record.
  private mutating func noteChain(_ place: Layout.Place) {
    noteDirectory(place.directory)
    for directory in Layout.chain(from: place.lasting, to: place.directory) {
      noteDirectory(Layout.parent(of: directory))
    }
  }
}
