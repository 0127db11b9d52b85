// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryTelemetry
internal import GantryWorld
internal import Logging
internal import Synchronization

/// The audit trail on its way into a file.
///
/// Lines wait in memory for the file, at most ``pendingBytesMax`` bytes of them; when that is not enough, further ones
/// are dropped and counted, and the file tells of it where they are missing. No request ever waits.
final class AuditFile: Sendable {
  /// What may wait for a disk that is slow or full: some 12 000 lines.
  static let pendingBytesMax = 4 << 20

  let sink: BufferedLineSink
  private let flusher: LogFlusher

  init(path: String, group: LoopGroup, logger: Logger) throws(StartError) {
    let file: AppendedFile
    do { file = try AppendedFile(path: path) } catch {
      throw .settings("the audit trail cannot be written (log.audit.file): \(error.explanation)")
    }
    let flusher = LogFlusher(loop: group.loops[0], errands: group.errands)
    let clock = group.world.clock
    let complaints = Complaints()
    sink = BufferedLineSink(
      bytesMax: Self.pendingBytesMax, wakeBytes: 1,
      output: { bytes in
        let (written, failure) = file.append(bytes)
        if let failure, complaints.isDue(at: clock.now.seconds) {
          logger.error(
            "the audit trail cannot be written; lines wait in memory and are dropped when that is full",
            metadata: ["error": "\(failure.explanation)"])
        }
        return written
      },
      wake: { flusher.wake() },
      droppedNotice: { AuditLog.droppedNotice($0, at: clock.now) })
    self.flusher = flusher
    flusher.attach(sink)
  }

  /// Stops using the loops: what is written from now on waits for ``flush()``.
  func detach() async { await flusher.detach() }

  /// Writes what waits, as far as the file takes it. Blocks; not called on a loop.
  func flush() { sink.drain() }

  /// Lets the log tell of a fault once in a while.
  private final class Complaints: Sendable {
    private static let interval: Int64 = 60
    private let last = Mutex<Int64>(.min / 2)

    func isDue(at seconds: Int64) -> Bool {
      last.withLock { last in
        guard seconds - last >= Self.interval else { return false }
        last = seconds
        return true
      }
    }
  }
}
