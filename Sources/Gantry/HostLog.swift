// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryHTTPService
internal import GantryTelemetry
internal import GantryWorld
internal import Logging
internal import Synchronization

/// The log lines on standard error and the access log on standard output, buffered so that no loop waits for a stream.
final class HostLog: Sendable {
  let logger: Logger
  let accessLog: AccessLog?
  /// The level, which can be changed.
  let threshold: LogThreshold
  private let errors: BufferedLineSink
  private let output: BufferedLineSink
  private let flushers: [LogFlusher]
  private let auditFile = Mutex<AuditFile?>(nil)
  /// Whether the trail goes to standard output, among the lines of the access log.
  private let isTrailOnOutput: Bool

  /// What may wait for a slow stream before lines are dropped and counted.
  private static let pendingBytesMax = 4 << 20

  init(_ settings: LogSettings, group: LoopGroup) {
    let world = group.world
    let (clock, format) = (world.clock, LogFormat(settings.formatter))
    let isTrailOnOutput = settings.auditFile == .standardOutput
    self.isTrailOnOutput = isTrailOnOutput
    flushers = [0, 1].map { _ in LogFlusher(loop: group.loops[0], errands: group.errands) }
    let errors = Self.sink(flushers[0], .errors) {
      format.line(time: clock.now, level: .warning, message: Self.notice($0, of: "log"), fields: [:])
    }
    let output = Self.sink(flushers[1], .output) { count in
      if isTrailOnOutput { return AuditLog.droppedNotice(count, at: clock.now) }
      // No line of the access log could say it.
      errors.write(
        format.line(time: clock.now, level: .warning, message: Self.notice(count, of: "access log"), fields: [:]),
        isUrgent: false)
      return []
    }
    self.errors = errors
    self.output = output
    var fields: Logger.Metadata = [
      "service": "registry", "version": "v\(GantryVersion.text)",
      "instance.id": "\(RequestID(randomBytes: world.entropy.bytes(16)).text)",
    ]
    for field in settings.fields { fields[field.name] = .string(field.value) }
    let threshold = LogThreshold(Logger.Level(settings.level))
    self.threshold = threshold
    let setting = GantryLogHandler.Setting(
      format: format, sink: errors, clock: world.clock,
      threshold: threshold, staticFields: fields,
      isCallerReported: settings.reportsCaller)
    logger = Logger(label: "registry") { _ in GantryLogHandler(setting) }
    accessLog = settings.isAccessLogDisabled ? nil : AccessLog(sink: output)
  }

  private static func sink(
    _ flusher: LogFlusher, _ stream: SystemProcess.StandardStream,
    droppedNotice: @escaping @Sendable (UInt64) -> [UInt8]
  ) -> BufferedLineSink {
    let sink = BufferedLineSink(
      bytesMax: pendingBytesMax, wakeBytes: 1, output: { SystemProcess.offer($0, to: stream) },
      wake: { flusher.wake() }, droppedNotice: droppedNotice)
    flusher.attach(sink)
    return sink
  }

  private static func notice(_ count: UInt64, of log: String) -> String {
    "\(count) lines of the \(log) were dropped: the stream is too slow"
  }

  /// Opens the audit trail where one is configured. Called once.
  func openAudit(_ settings: LogSettings, group: LoopGroup) throws(StartError) -> AuditLog? {
    let clock = group.world.clock
    switch settings.auditFile {
    case nil: return nil
    case .standardOutput: return AuditLog(sink: output, clock: clock)
    case .file(let path):
      let file = try AuditFile(path: path, group: group, logger: logger)
      auditFile.withLock { $0 = file }
      return AuditLog(sink: file.sink, clock: clock)
    }
  }

  /// How many lines were dropped, by log.
  var droppedLines: [(log: String, count: UInt64)] {
    let lostByOutput = output.droppedInAll
    let audit = auditFile.withLock { $0 }?.sink.droppedInAll ?? (isTrailOnOutput ? lostByOutput : 0)
    return [("error", errors.droppedInAll), ("access", lostByOutput), ("audit", audit)]
  }

  /// Stops using the loops: what is logged from now on waits for ``flush()``.
  func detach() async {
    for flusher in flushers { await flusher.detach() }
    await auditFile.withLock { $0 }?.detach()
  }

  /// Brings out what waits. Blocks, but not for a stream that takes nothing: what its reader leaves there is lost.
  /// Not called on a loop.
  func flush() {
    auditFile.withLock { $0 }?.flush()
    for (sink, stream) in [(errors, SystemProcess.StandardStream.errors), (output, .output)] {
      while !sink.drain(), SystemProcess.isWritable(stream, within: Self.lastWait) {}
    }
  }

  /// How long the end of the process waits for a stream that takes nothing.
  private static let lastWait = Duration.seconds(1)
}

extension LogFormat {
  fileprivate init(_ formatter: LogSettings.Formatter) {
    switch formatter {
    case .text: self = .text
    case .json: self = .json
    case .logstash: self = .logstash
    }
  }
}

extension Logger.Level {
  init(_ level: LogSettings.Level) {
    switch level {
    case .debug: self = .debug
    case .info: self = .info
    case .warn: self = .warning
    case .error: self = .error
    }
  }
}
