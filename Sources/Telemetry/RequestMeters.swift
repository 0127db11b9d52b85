// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// Counts the exchanges of one loop.
///
/// One for each loop, so that its lock is never waited for but for the moment of a scrape; callable from any thread.
/// Routes, methods and statuses are indices into fixed tables: whatever clients send, no series is added.
public final class RequestMeters: Sendable {
  /// One exchange that is over.
  public struct Exchange: Sendable {
    /// Index of the route.
    public var route: Int
    /// Index of the method.
    public var method: Int
    /// The status that was sent.
    public var status: UInt16
    /// Bytes of the request's head and body, roughly.
    public var requestBytes: UInt64
    /// Bytes of the response's body.
    public var responseBytes: UInt64
    /// How long it took.
    public var nanoseconds: UInt64

    /// Makes an exchange.
    public init(
      route: Int, method: Int, status: UInt16, requestBytes: UInt64, responseBytes: UInt64, nanoseconds: UInt64
    ) {
      self.route = route
      self.method = method
      self.status = status
      self.requestBytes = requestBytes
      self.responseBytes = responseBytes
      self.nanoseconds = nanoseconds
    }
  }

  private let table: RequestMeasures.Table
  private let counted: Mutex<RequestMeasures>

  /// Meters of these routes and methods.
  public init(_ table: RequestMeasures.Table) {
    self.table = table
    counted = Mutex(RequestMeasures(table))
  }

  /// A request of the route has come; ``ended(_:)`` follows.
  public func began(route: Int) {
    counted.withLock { $0.inFlight[route] &+= 1 }
  }

  /// An exchange that ``began(route:)`` is over.
  public func ended(_ exchange: Exchange) {
    counted.withLock { counted in
      counted.inFlight[exchange.route] &-= 1
      counted.record(exchange, table)
    }
  }

  /// So many bytes of a request's body were taken from the connection.
  public func received(_ bytes: Int) {
    counted.withLock { $0.receivedBytes &+= UInt64(bytes) }
  }

  /// Somebody was not who they said.
  public func refusedCredentials() {
    counted.withLock { $0.refusedCredentials &+= 1 }
  }

  /// Somebody was not allowed what they asked for.
  public func refusedPermission() {
    counted.withLock { $0.refusedPermission &+= 1 }
  }

  /// Somebody has to wait before another password is looked at.
  public func refusedSlowed() {
    counted.withLock { $0.refusedSlowed &+= 1 }
  }

  /// Something came that was no request.
  public func refusedMalformed() {
    counted.withLock { $0.malformed &+= 1 }
  }

  /// What was counted so far.
  public var measures: RequestMeasures { counted.withLock { $0 } }
}
