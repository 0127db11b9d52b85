// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http.limits` section: what one client may cost. The table with reasons is in `docs/CONFIGURATION.md`.
public struct HTTPLimits: Sendable, Equatable {
  /// `connections`: open client connections at once; further ones are refused at once.
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
  /// `manifestbytes`: bytes of a pushed manifest; above it 413.
  public var manifestBytesMax: Int

  /// Makes the section; every default is one of the table's.
  public init(
    connectionsMax: Int = 16_384, headBytesMax: Int = 32_768, lineBytesMax: Int = 8192, headersMax: Int = 100,
    headTimeout: Duration = .seconds(20), idleTimeout: Duration = .seconds(120),
    bodyTimeout: Duration = .seconds(120), writeTimeout: Duration = .seconds(120),
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
    self.manifestBytesMax = manifestBytesMax
  }
}
