// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// Writes one line per answered request in Combined Log Format, as Distribution does; ` trace=ID` follows where the
/// client named a trace, and nowhere else.
///
/// Callable from any thread. Costs one array per request; the text of the time is made once per second.
public final class AccessLog: Sendable {
  /// What a line tells.
  public struct Entry: Sendable {
    /// Address of the client, without port.
    public var host: String
    /// Name of the user; nil when nobody logged in.
    public var user: String?
    /// When the request was received.
    public var time: WallTime
    /// Method of the request.
    public var method: String
    /// Target of the request, as received.
    public var target: String
    /// Version of the protocol, as in `HTTP/1.1`.
    public var version: String
    /// Status of the answer.
    public var status: Int
    /// Bytes of the answer's body.
    public var bodyBytes: Int64
    /// The request's `Referer`; empty when absent.
    public var referer: String
    /// The request's `User-Agent`; empty when absent.
    public var userAgent: String
    /// The id of the trace that the request is part of.
    public var traceID: String?

    /// An entry with the given parts.
    public init(
      host: String, user: String? = nil, time: WallTime, method: String, target: String, version: String, status: Int,
      bodyBytes: Int64, referer: String = "", userAgent: String = "", traceID: String? = nil
    ) {
      self.host = host
      self.user = user
      self.time = time
      self.method = method
      self.target = target
      self.version = version
      self.status = status
      self.bodyBytes = bodyBytes
      self.referer = referer
      self.userAgent = userAgent
      self.traceID = traceID
    }
  }

  private struct TimeText {
    var seconds: Int64 = .min
    var text: [UInt8] = []
  }

  private let sink: any LogSink
  private let timeText = Mutex(TimeText())

  /// An access log that writes into `sink`.
  public init(sink: any LogSink) {
    self.sink = sink
  }

  /// Writes a line for one request.
  public func write(_ entry: Entry) {
    var line: [UInt8] = []
    line.reserveCapacity(256)
    LogText.appendEscaped(entry.host.isEmpty ? "-" : entry.host, to: &line, escapingSpaces: true)
    line.append(contentsOf: " - ".utf8)
    let user = entry.user ?? ""
    LogText.appendEscaped(user.isEmpty ? "-" : user, to: &line, escapingSpaces: true)
    line.append(contentsOf: " [".utf8)
    line.append(contentsOf: text(of: entry.time.seconds))
    line.append(contentsOf: "] \"".utf8)
    LogText.appendEscaped(entry.method, to: &line)
    line.append(0x20)
    LogText.appendEscaped(entry.target, to: &line)
    line.append(0x20)
    LogText.appendEscaped(entry.version, to: &line)
    line.append(contentsOf: "\" \(entry.status) \(entry.bodyBytes) \"".utf8)
    LogText.appendEscaped(entry.referer, to: &line)
    line.append(contentsOf: "\" \"".utf8)
    LogText.appendEscaped(entry.userAgent, to: &line)
    line.append(contentsOf: "\"".utf8)
    if let trace = entry.traceID { line.append(contentsOf: " trace=\(trace)".utf8) }
    line.append(UInt8(ascii: "\n"))
    sink.write(line, isUrgent: false)
  }

  /// `10/Oct/2000:13:55:36 +0000`.
  private func text(of seconds: Int64) -> [UInt8] {
    timeText.withLock { cache in
      if cache.seconds != seconds { cache = TimeText(seconds: seconds, text: Self.makeText(of: seconds)) }
      return cache.text
    }
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func makeText(of seconds: Int64) -> [UInt8] {
    let time = CalendarTime(secondsSinceEpoch: seconds)
    var text: [UInt8] = []
    CalendarTime.append(time.day, width: 2, to: &text)
    text.append(contentsOf: "/\(months[time.month - 1])/".utf8)
    CalendarTime.append(time.year, width: 4, to: &text)
    for value in [time.hour, time.minute, time.second] {
      text.append(UInt8(ascii: ":"))
      CalendarTime.append(value, width: 2, to: &text)
    }
    text.append(contentsOf: " +0000".utf8)
    return text
  }
}
