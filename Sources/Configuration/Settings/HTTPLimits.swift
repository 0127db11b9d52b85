// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http.limits` section: what one client may cost. The table with reasons is in `docs/CONFIGURATION.md`.
public struct HTTPLimits: Sendable, Equatable {
  /// `connections`: open client connections at once, shared evenly by the loops; further ones are refused at once.
  public var connectionsMax: Int
  /// `headbytes`: bytes of a whole request head.
  public var headBytesMax: Int
  /// `linebytes`: bytes of the request line, and of each header line.
  public var lineBytesMax: Int
  /// `headers`: header lines in a request.
  public var headersMax: Int
  /// `headtimeout`: from the first byte of a request head to its last.
  public var headTimeout: Duration
  /// `idletimeout`: how long a kept-alive connection may wait for its next request.
  public var idleTimeout: Duration
  /// `bodytimeout`: how long a request body may stand still.
  public var bodyTimeout: Duration
  /// `writetimeout`: how long a response may stand still because the client does not read.
  public var writeTimeout: Duration
  /// `discardbytes`: the rest of a body nobody reads that is still taken to keep the connection.
  public var discardBytesMax: Int
  /// `lingertimeout`: how long a closing connection waits for the client to take the last response.
  public var lingerTimeout: Duration
  /// `streams`: requests at once on one HTTP/2 connection.
  public var streamsMax: Int
  /// `manifestbytes`: bytes of a pushed manifest; above it 413. At most ``manifestBytesCeiling``.
  public var manifestBytesMax: Int

  /// The largest `manifestbytes`: what is larger would be taken for damage when it is read back.
  public static let manifestBytesCeiling = 32 << 20

  /// Makes the section; every default is one of the table's.
  public init(
    connectionsMax: Int = 16_384, headBytesMax: Int = 32_768, lineBytesMax: Int = 24_576, headersMax: Int = 100,
    headTimeout: Duration = .seconds(20), idleTimeout: Duration = .seconds(120),
    bodyTimeout: Duration = .seconds(120), writeTimeout: Duration = .seconds(120),
    discardBytesMax: Int = 256 << 10, lingerTimeout: Duration = .seconds(2), streamsMax: Int = 100,
    manifestBytesMax: Int = 4 * 1024 * 1024
  ) {
    self.connectionsMax = connectionsMax
    self.headBytesMax = headBytesMax
    self.lineBytesMax = lineBytesMax
    self.headersMax = headersMax
    self.headTimeout = headTimeout
    self.idleTimeout = idleTimeout
    self.bodyTimeout = bodyTimeout
    self.writeTimeout = writeTimeout
    self.discardBytesMax = discardBytesMax
    self.lingerTimeout = lingerTimeout
    self.streamsMax = streamsMax
    self.manifestBytesMax = manifestBytesMax
  }
}
