// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// A file that is read again when it has changed.
///
/// One stat tells, each time its content is asked for; so what an operator changes counts from the next request on. A
/// file that cannot be read gives an error and never what it said before: who was taken out of it must stay out.
final class WatchedFile<Content: LineContent>: Sendable {
  private struct Version {
    var status: FileStatus
    var content: Content
    /// Whether a later change is sure to show: not while the file is so young that a second change could leave the same
    /// time stamp.
    var isSettled: Bool
  }

  /// The largest file that is read.
  static var bytesMax: Int { 4 << 20 }
  private static var noticesMax: Int { 20 }

  let path: String
  private let world: World
  private let report: @Sendable (AccessNotice) -> Void
  private let version = Mutex<Version?>(nil)

  init(_ path: String, world: World, report: @escaping @Sendable (AccessNotice) -> Void) {
    self.path = path
    self.world = world
    self.report = report
  }

  /// What the file says now. Runs on the caller's loop, and on a worker when the file must be read.
  func content() async throws(AccessError) -> Content {
    let status: FileStatus?
    do { status = try world.files.status(path) } catch { throw .unreadable(error) }
    guard let status else { throw .unreadable(FileError(.absent, operation: "stat", path: path)) }
    if let known = version.withLock({ $0 }), known.status == status, known.isSettled { return known.content }
    let (path, files, clock) = (path, world.files, world.clock)
    let read = try await world.workers.run { () throws(AccessError) -> Version in
      let (now, status, bytes): (WallTime, FileStatus, [UInt8])
      do throws(FileError) {
        let file = try files.open(path, .read)
        now = clock.now
        status = try file.status()
        bytes = try file.read(Self.bytesMax + 1, at: 0)
      } catch {
        throw .unreadable(error)
      }
      guard bytes.count <= Self.bytesMax else { throw .tooLarge(path: path, bytesMax: Self.bytesMax) }
      // A time stamp in the future is a foreign clock's, and tells nothing of age.
      let isYoung = status.changed <= now && now.seconds - status.changed.seconds < 2
      return Version(status: status, content: Content(parsing: bytes), isSettled: !isYoung)
    }
    let isNew = version.withLock { version in
      defer { version = read }
      return version?.status != read.status
    }
    if isNew { tell(read.content.faults) }
    return read.content
  }

  /// What the file says, if it is known and one stat tells that it has not changed since; nil when it must be read.
  var unchanged: Content? {
    // A fault is told by whoever reads the file then.
    guard let status = try? world.files.status(path), let known = version.withLock({ $0 }), known.isSettled,
      known.status == status
    else { return nil }
    return known.content
  }

  private func tell(_ faults: [LineFault]) {
    for fault in faults.prefix(Self.noticesMax) {
      report(.lineSkipped(path: path, line: fault.line, reason: fault.reason))
    }
    if faults.count > Self.noticesMax {
      report(.moreLinesSkipped(path: path, count: faults.count - Self.noticesMax))
    }
  }
}
