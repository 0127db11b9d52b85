// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTP2
public import GantryHTTPWire

/// What one client may take, in time, bytes and connections. Each default has its reason beside it;
/// docs/CONFIGURATION.md lists the keys that set them.
public struct ServerLimits: Sendable, Hashable {
  /// Lines, heads and chunk framing.
  public var wire: WireLimits
  /// Connections at once, shared evenly by the loops. An idle one costs some 2 KiB, over HTTP/2 some 16;
  /// descriptors run out first.
  public var connectionsMax: Int
  /// From the first byte of a head to its last. A head is one packet; a minute of trickling is an attack.
  public var headTimeout: Duration
  /// A kept connection without a request. Longer than the 60 to 90 s that proxies and Go's clients keep theirs, so that
  /// they close first and no request meets a closing connection.
  public var idleTimeout: Duration
  /// A request body without a byte. Long enough for a client that compresses a layer while it sends.
  public var bodyTimeout: Duration
  /// A response of which the client takes nothing.
  public var writeTimeout: Duration
  /// Rest of an unread request body that is read and dropped to keep the connection; beyond it the connection closes.
  public var discardBytesMax: Int
  /// How long a closing connection waits for the client to take the last response.
  public var lingerTimeout: Duration
  /// Requests for files of one HTTP/2 connection that are answered at once; more of them wait. A client pulls three to
  /// ten layers at once; each file that is answered from is a descriptor until the client has taken it.
  public var filesPerConnectionMax: Int
  /// What an HTTP/2 connection may take beyond that.
  public var http2: HTTP2Limits

  /// Makes limits; each has its default.
  public init(
    wire: WireLimits = WireLimits(), connectionsMax: Int = 16_384, headTimeout: Duration = .seconds(20),
    idleTimeout: Duration = .seconds(120), bodyTimeout: Duration = .seconds(120),
    writeTimeout: Duration = .seconds(120), discardBytesMax: Int = 256 << 10,
    lingerTimeout: Duration = .seconds(2), filesPerConnectionMax: Int = 16, http2: HTTP2Limits = HTTP2Limits()
  ) {
    self.wire = wire
    self.connectionsMax = connectionsMax
    self.headTimeout = headTimeout
    self.idleTimeout = idleTimeout
    self.bodyTimeout = bodyTimeout
    self.writeTimeout = writeTimeout
    self.discardBytesMax = discardBytesMax
    self.lingerTimeout = lingerTimeout
    self.filesPerConnectionMax = filesPerConnectionMax
    self.http2 = http2
  }
}
