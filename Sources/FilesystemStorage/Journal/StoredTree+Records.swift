// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// On what grounds a record is applied to the tree.
enum RecordApplication: Sendable {
  /// For the first time, right after it came into the journal.
  case first
  /// For the first time, at a storage that keeps no journal: contents are synced, names are not.
  case withoutJournal
  /// Once more, because a power cut may have taken any part of it.
  case afterPowerCut
  /// Once more, because a sync failed: what stands as the record says gets a new file, which the next sync covers; what
  /// stands otherwise, or is gone, was changed since and stays.
  case anew
}

extension StoredTree {
  /// Makes the tree what the record says. True when that took something away, or put something there.
  ///
  /// Each file appears under its name whole; nothing refers to what is not there yet. Not durable by itself.
  func apply(_ record: JournalRecord, _ application: RecordApplication) throws(FileError) -> Bool {
    switch record {
    case .blob(let digest, let content, let name):
      guard try put(content, of: digest, application) else { return false }
      return try put(digest, at: layout.layer(digest, in: name), application)
    case .manifest(let digest, let content, let name):
      guard try put(content, of: digest, application) else { return false }
      return try put(digest, at: layout.revision(digest, in: name), application)
    case .layer(let digest, let content, let name):
      return try put(content, at: layout.layer(digest, in: name), application)
    case .tag(let tag, let digest, let name):
      if case .afterPowerCut = application, try link(layout.revision(digest, in: name), named: digest) == nil {
        // Whoever had it acknowledged had the manifest there before. If a later entry takes that away, it does so with
        // the tag.
        report("the tag \(tag) of \(name) is not moved to \(digest): no manifest of that digest is there")
        return false
      }
      _ = try put(digest, at: layout.index(tag, digest, in: name), application)
      return try put(digest, at: layout.current(tag, in: name), application)
    case _ where application.isAnew && record.isRemoval:
      return false
    case .noLayer(let digest, let name):
      return try files.remove(layout.layer(digest, in: name).file)
    case .noManifest(let digest, let name):
      return try files.remove(layout.revision(digest, in: name).file)
    case .noTag(let tag, let name):
      return try removeTag(tag, in: name)
    }
  }

  /// Puts in its place only the content that came with a record that is void: something of it may stand there, torn.
  func applyContent(of record: JournalRecord, _ application: RecordApplication) throws(FileError) {
    switch record {
    case .blob(let digest, let content, _), .manifest(let digest, let content, _):
      if case .present = content { return }
      _ = try put(content, of: digest, application)
    case .layer, .tag, .noLayer, .noManifest, .noTag: return
    }
  }

  /// Applies of a record about whose link a later one decides what the link does not show: content, and that a tag once
  /// had this target.
  func applyBeside(_ record: JournalRecord, _ application: RecordApplication) throws(FileError) {
    try applyContent(of: record, application)
    guard case .tag(let tag, let digest, let name) = record else { return }
    _ = try put(digest, at: layout.index(tag, digest, in: name), application)
  }

  /// Whether the tree shows what the record says, as far as anybody can see: a link that cannot be read, time and
  /// again, tells nobody anything. Fails only for want of descriptors, which passes.
  func surelyShows(_ record: JournalRecord) throws(FileError) -> Bool {
    for _ in 0..<3 {
      do throws(FileError) {
        return try shows(record)
      } catch  where error.reason != .tooManyOpenFiles {
        continue
      }
    }
    return false
  }

  /// Whether the tree shows what the record says. The link alone decides: what was put in its place before the link is
  /// seen by nobody without it, and what is taken away after it neither.
  func shows(_ record: JournalRecord) throws(FileError) -> Bool {
    func links(_ digest: Digest, _ place: Layout.Place) throws(FileError) -> Bool {
      try contents(of: place.file, atMost: Self.linkBytesMax) == digest.linkText
    }
    func lacks(_ place: Layout.Place) throws(FileError) -> Bool { try files.status(place.file) == nil }
    return switch record {
    case .blob(let digest, _, let name): try links(digest, layout.layer(digest, in: name))
    case .layer(let digest, let content, let name): try links(content, layout.layer(digest, in: name))
    case .manifest(let digest, _, let name): try links(digest, layout.revision(digest, in: name))
    case .tag(let tag, let digest, let name): try links(digest, layout.current(tag, in: name))
    case .noLayer(let digest, let name): try lacks(layout.layer(digest, in: name))
    case .noManifest(let digest, let name): try lacks(layout.revision(digest, in: name))
    case .noTag(let tag, let name): try lacks(layout.current(tag, in: name))
    }
  }

  /// The directories that have to be durable before the record is written: those that nothing removes.
  func lasting(_ record: JournalRecord) -> [String] {
    switch record {
    case .blob(let digest, _, let name): [layout.blob(digest).lasting, layout.layer(digest, in: name).lasting]
    case .layer(let digest, _, let name): [layout.layer(digest, in: name).lasting]
    case .manifest(let digest, _, let name): [layout.blob(digest).lasting, layout.revision(digest, in: name).lasting]
    case .tag(_, _, let name): [layout.tags(in: name)]
    case .noLayer, .noManifest, .noTag: []
    }
  }

  // MARK: Content

  // False when the content is nowhere: then the record was never acknowledged, and nothing may refer to it.
  private func put(
    _ content: JournalContent, of digest: Digest, _ application: RecordApplication
  ) throws(FileError) -> Bool {
    let place = layout.blob(digest)
    switch (application, content) {
    case (.anew, .inline(let bytes)):
      // Written of what the record holds: the pages of the file may be what the sync lost.
      guard try files.status(place.file) != nil else { return false }
      try commit.write(bytes, to: place, synced: false)
      return true
    case (.anew, .staged), (.anew, .present):
      // Durable before the record was written, and no checkpoint syncs it.
      return try files.status(place.file) != nil
    case (_, .present):
      return try isThere(digest, at: place, application)
    case (_, .inline(let bytes)):
      if try contents(of: place.file, atMost: bytes.count + 1) != bytes {
        try commit.write(bytes, to: place, synced: application.syncsContents)
      }
      return true
    case (_, .staged(let staged)):
      return try put(staged, of: digest, at: place, application)
    }
  }

  private func put(
    _ staged: StagedContent, of digest: Digest, at place: Layout.Place, _ application: RecordApplication
  ) throws(FileError) -> Bool {
    let path = layout.staged(staged)
    guard let waiting = try files.status(path) else { return try isThere(digest, at: place, application) }
    // What stands there otherwise may be torn, by a crash before there was a journal; this one was synced.
    if try files.status(place.file)?.inode != waiting.inode { try commit.link(path, to: place) }
    commit.trust(place.file)
    return true
  }

  /// Makes content durable at its place, for a record that relies on it without holding it: Distribution, or a process
  /// of its level, may have put it there a moment ago. At most once for each content lately used.
  func makeContentDurable(_ digest: Digest) throws(FileError) {
    let place = layout.blob(digest)
    if commit.isLasting(place.directory) { return }
    if let (file, size) = try content(digest) {
      if size <= JournalContent.inlineBytesMax {
        // What stands here may be in nothing but the journal and these pages. A sync that fails here would lose them,
        // and the checkpoint's sync would not learn of it: so they are left alone, and a durable copy takes the name.
        try renewContent(digest, at: place)
      } else {
        try syncContent(file, of: digest, at: place)
      }
    }
    try commit.sync(place.directory)
    try commit.makeLasting(place.directory)
  }

  // Content of this size was durable before a record of ours named it: what a failed sync loses was never acknowledged.
  private func syncContent(_ file: any OpenFile, of digest: Digest, at place: Layout.Place) throws(FileError) {
    if commit.isSuspect(place.file) { return try renewContent(digest, at: place) }
    do throws(FileError) {
      try commit.sync(file)
    } catch {
      // What the sync may have lost is written anew; where that fails, too, before anybody relies on it.
      commit.suspect(place.file)
      try renewContent(digest, at: place)
      throw error
    }
  }

  private func isThere(
    _ digest: Digest, at place: Layout.Place, _ application: RecordApplication
  ) throws(FileError) -> Bool {
    if try files.status(place.file) != nil { return true }
    if case .afterPowerCut = application {
      report("a push of \(digest) that was never acknowledged is passed over: its content did not survive")
    }
    return false
  }

  // Gives content a durable copy of its own bytes, which have to be the right ones.
  private func renewContent(_ digest: Digest, at place: Layout.Place) throws(FileError) {
    guard let (file, size) = try content(digest) else {
      throw FileError(.absent, operation: "open", path: place.file)
    }
    let copy = try commit.stageCopy(of: file, count: size, as: digest)
    defer { commit.discard(copy) }
    try commit.place(copy, at: place)
    commit.trust(place.file)
  }

  // MARK: Links

  private func put(
    _ digest: Digest, at place: Layout.Place, _ application: RecordApplication
  ) throws(FileError) -> Bool {
    let standing = try contents(of: place.file, atMost: Self.linkBytesMax)
    if case .anew = application {
      // What is legible and says something else was written since. What is not may be what the sync lost.
      guard let standing, standing == digest.linkText || !Self.isLegible(standing) else { return false }
    } else if standing == digest.linkText {
      return true
    }
    try commit.write(digest.linkText, to: place, synced: application.syncsContents)
    return true
  }

  /// Whether a link's text names a digest.
  static func isLegible(_ link: [UInt8]) -> Bool {
    // Why it is no digest does not matter.
    (try? Digest(parsing: String(decoding: link, as: UTF8.self))) != nil
  }

  // MARK: Removals

  private func removeTag(_ tag: Tag, in name: RepositoryName) throws(FileError) -> Bool {
    let existed = try files.remove(layout.current(tag, in: name).file)
    return try commit.removeTree(layout.tag(tag, in: name)) && existed
  }
}

extension RecordApplication {
  /// Whether contents are synced before they get their name.
  fileprivate var syncsContents: Bool {
    if case .withoutJournal = self { true } else { false }
  }

  fileprivate var isAnew: Bool {
    if case .anew = self { true } else { false }
  }
}
