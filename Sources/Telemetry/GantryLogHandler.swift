// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
public import Logging

/// Writes the events of swift-log's loggers as Distribution's log lines into a sink.
///
/// Callable from any thread; never blocks on the stream. Errors ask the sink to bring them out at once.
public struct GantryLogHandler: LogHandler {
  /// What all handlers of one server have in common.
  public struct Setting: Sendable {
    let format: LogFormat
    let sink: any LogSink
    let clock: any WallClock
    let threshold: LogThreshold
    let staticFields: Logger.Metadata
    let isCallerReported: Bool

    /// - Parameters:
    ///   - format: How lines are written.
    ///   - sink: Where they go.
    ///   - clock: Where their time comes from.
    ///   - threshold: What is logged at all.
    ///   - staticFields: Fields of every line (`log.fields`); fields of a logger or an event go before them.
    ///   - isCallerReported: Whether lines tell `file` and `func` of the code that logs (`log.reportcaller`).
    public init(
      format: LogFormat, sink: any LogSink, clock: any WallClock, threshold: LogThreshold,
      staticFields: Logger.Metadata = [:], isCallerReported: Bool = false
    ) {
      self.format = format
      self.sink = sink
      self.clock = clock
      self.threshold = threshold
      self.staticFields = staticFields
      self.isCallerReported = isCallerReported
    }
  }

  private let setting: Setting
  private var ownLevel: Logger.Level?

  /// Fields of every line of this logger.
  public var metadata: Logger.Metadata = [:]

  /// Gives fields from the task that logs.
  public var metadataProvider: Logger.MetadataProvider?

  /// A handler that follows the setting's threshold until its own `logLevel` is set.
  public init(_ setting: Setting) {
    self.setting = setting
  }

  /// The lowest level that is logged: this logger's own when set, else the shared threshold.
  public var logLevel: Logger.Level {
    get { ownLevel ?? setting.threshold.level }
    set { ownLevel = newValue }
  }

  /// One field of every line of this logger.
  public subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes the event as one line.
  public func log(event: LogEvent) {
    var fields = setting.staticFields
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    fields.merge(metadata) { $1 }
    if let error = event.error { fields["error"] = .string(String(describing: error)) }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if setting.isCallerReported {
      fields["file"] = .string("\(event.file):\(event.line)")
      fields["func"] = .string(event.function)
    }
    let line = setting.format.line(
      time: setting.clock.now, level: event.level, message: event.message.description, fields: fields)
    setting.sink.write(line, isUrgent: event.level >= .error)
  }
}
