// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// The trail of who changed or was refused what: one JSON object a line, a stream of its own.
///
/// Callable from any thread; never waits for the stream. What the sink cannot hold is dropped and counted, and the
/// stream tells of it as soon as it takes lines again: serving goes before writing the trail (docs/MONITORING.md).
public final class AuditLog: Sendable {
  /// What a line tells.
  public struct Entry: Sendable {
    /// What was asked for.
    public enum Action: String, Sendable {
      case pull, push, mount, delete, catalog, login
    }

    /// What it was asked for.
    public enum Object: String, Sendable {
      case manifest, tag, blob, upload, registry
    }

    /// How it ended.
    public enum Outcome: String, Sendable {
      /// It was done, and is durable as far as the storage promises.
      case done
      /// The caller may not, or is not who it says.
      case denied
      /// It was allowed and not done; the error log says why.
      case failed
    }

    /// What was asked for.
    public var action: Action
    /// What it was asked for.
    public var object: Object
    /// How it ended.
    public var outcome: Outcome
    /// The status of the answer.
    public var status: Int
    /// The request's id, as in the other logs.
    public var requestID: String
    /// The id of the trace that the request belongs to.
    public var traceID: String?
    /// Who asked; nil for somebody who had not logged in, or not as who they said.
    public var user: String?
    /// Who it said it is, with a password that is not that user's.
    public var claimedUser: String?
    /// From where, with the port: a proxy, perhaps.
    public var address: String
    /// The address of the client, over proxies that are trusted: what limits count.
    public var client: String?
    /// What the request says of the clients that it came from, through proxies; nobody vouches for it here.
    public var forwardedFor: String?
    /// The repository, as it was named.
    public var repository: String?
    /// The tag or digest that was asked for.
    public var reference: String?
    /// The digest of what was stored or removed.
    public var digest: String?

    /// An entry with the given parts.
    public init(
      action: Action, object: Object, outcome: Outcome, status: Int, requestID: String, address: String,
      client: String? = nil, forwardedFor: String? = nil, traceID: String? = nil, user: String? = nil,
      claimedUser: String? = nil, repository: String? = nil, reference: String? = nil, digest: String? = nil
    ) {
      self.action = action
      self.object = object
      self.outcome = outcome
      self.status = status
      self.requestID = requestID
      self.address = address
      self.client = client
      self.forwardedFor = forwardedFor
      self.traceID = traceID
      self.user = user
      self.claimedUser = claimedUser
      self.repository = repository
      self.reference = reference
      self.digest = digest
    }
  }

  private let sink: any LogSink
  private let clock: any WallClock

  /// A trail into `sink`.
  public init(sink: any LogSink, clock: any WallClock) {
    self.sink = sink
    self.clock = clock
  }

  /// Writes a line. Its members come in this order: time, id, trace, user, claimed, address, client, forwarded,
  /// action, object, repository, reference, digest, status, outcome; those that are not known are left out.
  public func write(_ entry: Entry) {
    var line: [UInt8] = []
    line.reserveCapacity(384)
    line.append(contentsOf: "{\"time\":\"".utf8)
    clock.now.appendRFC3339(to: &line)
    line.append(contentsOf: "\"".utf8)
    Self.append("id", entry.requestID, to: &line)
    Self.append("trace", entry.traceID, to: &line)
    Self.append("user", entry.user, to: &line)
    Self.append("claimed", entry.claimedUser, to: &line)
    Self.append("address", entry.address, to: &line)
    Self.append("client", entry.client, to: &line)
    Self.append("forwarded", entry.forwardedFor, to: &line)
    Self.append("action", entry.action.rawValue, to: &line)
    Self.append("object", entry.object.rawValue, to: &line)
    Self.append("repository", entry.repository, to: &line)
    Self.append("reference", entry.reference, to: &line)
    Self.append("digest", entry.digest, to: &line)
    line.append(contentsOf: ",\"status\":\(entry.status)".utf8)
    Self.append("outcome", entry.outcome.rawValue, to: &line)
    line.append(contentsOf: "}\n".utf8)
    sink.write(line, isUrgent: true)
  }

  /// The line that tells how many lines are missing at this place.
  public static func droppedNotice(_ count: UInt64, at time: WallTime) -> [UInt8] {
    var line = Array("{\"time\":\"".utf8)
    time.appendRFC3339(to: &line)
    line.append(contentsOf: "\",\"action\":\"audit\",\"outcome\":\"failed\",\"dropped\":\(count)}\n".utf8)
    return line
  }

  private static func append(_ name: StaticString, _ value: String?, to line: inout [UInt8]) {
    guard let value else { return }
    line.append(contentsOf: ",\"\(name)\":".utf8)
    LogText.appendJSON(value, to: &line)
  }
}
