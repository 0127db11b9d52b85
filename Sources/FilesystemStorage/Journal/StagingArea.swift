// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// Where one process keeps content that is too large for a record: durable contents under a durable name, until the
/// place that the record gives it is durable, too.
///
/// The directory belongs to this process alone, so that a sync of it that fails is known to everybody whose names it
/// may have lost.
///
/// Isolation: every call blocks and belongs in a script of a worker; safe from several at once.
final class StagingArea: Sendable {
  private let files: any Files
  private let layout: Layout
  private let commit: DurableCommit
  private let process: String
  private let lastNumber = Atomic<UInt64>(0)
  private let failures = Atomic<UInt64>(0)

  init(files: any Files, layout: Layout, commit: DurableCommit, process: String) {
    self.files = files
    self.layout = layout
    self.commit = commit
    self.process = process
  }

  /// Gives a file whose contents are durable a second name here. Fails as ``FileError/Reason/unsupported`` on a file
  /// system without second names.
  func adopt(_ path: String, size: UInt64) throws(FileError) -> StagedContent {
    try make(size: size) { (place) throws(FileError) in
      guard try files.link(path, as: place.file) else {
        throw FileError(.exists, operation: "link", path: place.file)
      }
    }
  }

  /// Writes a file of these bytes, durable in contents.
  func stage(_ bytes: [UInt8]) throws(FileError) -> StagedContent {
    try make(size: UInt64(bytes.count)) { (place) throws(FileError) in
      let file = try files.open(place.file, .createNew(mode: DurableCommit.fileMode))
      try file.write(bytes, at: 0)
      try commit.sync(file)
    }
  }

  /// Makes the names durable that were given so far.
  func sync() throws(FileError) {
    do throws(FileError) {
      try files.syncDirectory(layout.staging(process))
    } catch {
      failures.add(1, ordering: .sequentiallyConsistent)
      throw error
    }
  }

  /// Whether no sync has failed since the name was given, which might have lost it.
  func isSure(of content: StagedContent) -> Bool {
    content.failuresBefore == failures.load(ordering: .sequentiallyConsistent)
  }

  /// Removes content that the journal does not name, or not any more. What cannot be removed is removed by the next
  /// start.
  func discard(_ content: StagedContent) {
    // See above.
    _ = try? files.remove(layout.staged(content))
  }

  /// Removes the directory, at the end of the process.
  func remove() throws(FileError) {
    _ = try commit.removeTree(layout.staging(process))
  }

  private func make(
    size: UInt64, _ body: (Layout.Place) throws(FileError) -> Void
  ) throws(FileError) -> StagedContent {
    try commit.announce()
    let content = StagedContent(
      process: process, number: lastNumber.add(1, ordering: .relaxed).newValue, size: size,
      failuresBefore: failures.load(ordering: .sequentiallyConsistent))
    let directory = layout.staging(process)
    let place = Layout.Place(file: layout.staged(content), directory: directory, lasting: directory)
    do throws(FileError) {
      try commit.makingDirectories(of: [place], body: { () throws(FileError) in try body(place) })
    } catch {
      discard(content)
      throw error
    }
    return content
  }
}
