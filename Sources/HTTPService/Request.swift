// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire
public import GantryWorld

/// One request, its head parsed and its body still on the way.
///
/// Isolation: belongs to the connection's loop and is used there until the response is returned; not `Sendable`.
public struct Request {
  /// The parsed head.
  public let head: RequestHead
  /// The body, or nil when the request has none.
  public let body: (any RequestBody)?
  /// The other end of the connection.
  public let peer: PeerAddress
  /// What protects the connection; nil when it is in the clear.
  public let security: StreamSecurity?
  /// Names the request in logs; unique for all practical purposes.
  public let id: RequestID

  /// Makes a request.
  public init(
    head: RequestHead, body: (any RequestBody)?, peer: PeerAddress, security: StreamSecurity? = nil, id: RequestID
  ) {
    self.head = head
    self.body = body
    self.peer = peer
    self.security = security
    self.id = id
  }

  /// Whether the connection is encrypted.
  public var isSecure: Bool { security != nil }

  /// The names that the client proved with a certificate; empty when it proved none.
  public var clientNames: [String] { security?.clientNames ?? [] }
}

/// A body that is pulled: nothing more is taken from the connection than the reader asks for.
///
/// A responder may leave a body unread; the connection then discards a short rest, or closes. Over HTTP/2 the client is
/// told to stop, and the connection goes on.
public protocol RequestBody: AnyObject {
  /// The length that the head announced; nil for the chunked coding.
  var announcedLength: UInt64? { get }

  /// Appends the next bytes, at most `limit`, to `buffer`, waiting until there are some; false at the end of the body.
  /// The first call sends `100 Continue` where the client waits for it (RFC 9110 section 10.1.1).
  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(BodyError) -> Bool
}

/// Why a request body ended early.
public enum BodyError: Error, Sendable, Hashable {
  /// The client went away or reset the connection in mid-body.
  case disconnected
  /// No byte arrived for as long as the server waits.
  case stalled
  /// The chunked coding was malformed.
  case malformed(WireError)
  /// The server is stopping and its time for draining is over.
  case draining
}
