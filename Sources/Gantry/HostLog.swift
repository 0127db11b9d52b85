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

  /// What may wait for a slow stream before lines are dropped and counted.
  private static let pendingBytesMax = 4 << 20

  init(_ settings: LogSettings, world: World) {
    flushers = [0, 1].map { _ in LogFlusher(loop: world.loops[0], workers: world.workers) }
    let errors = Self.sink(flushers[0], .errors)
    let output = Self.sink(flushers[1], .output)
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
      format: LogFormat(settings.formatter), sink: errors, clock: world.clock,
      threshold: threshold, staticFields: fields,
      isCallerReported: settings.reportsCaller)
    logger = Logger(label: "registry") { _ in GantryLogHandler(setting) }
    accessLog = settings.isAccessLogDisabled ? nil : AccessLog(sink: output)
  }

  private static func sink(
    _ flusher: LogFlusher, _ stream: SystemProcess.StandardStream
  ) -> BufferedLineSink {
    let sink = BufferedLineSink(
      bytesMax: pendingBytesMax, wakeBytes: 1, output: { SystemProcess.offer($0, to: stream) },
      wake: { flusher.wake() },
      droppedNotice: { Array("level=warning msg=\"\($0) log lines were dropped: the stream is too slow\"\n".utf8) })
    flusher.attach(sink)
    return sink
  }

  /// Opens the audit trail where one is configured. Called once.
  func openAudit(_ settings: LogSettings, world: World) throws(StartError) -> AuditLog? {
    switch settings.auditFile {
    case nil: return nil
    case .standardOutput: return AuditLog(sink: output, clock: world.clock)
    case .file(let path):
      let file = try AuditFile(path: path, world: world, logger: logger)
      auditFile.withLock { $0 = file }
      return AuditLog(sink: file.sink, clock: world.clock)
    }
  }

  /// How many lines were dropped, by log.
  var droppedLines: [(log: String, count: UInt64)] {
    let audit = auditFile.withLock { $0 }.map { [("audit", $0.sink.droppedInAll)] } ?? []
    return [("error", errors.droppedInAll), ("access", output.droppedInAll)] + audit
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
