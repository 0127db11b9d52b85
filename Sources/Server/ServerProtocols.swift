// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Which versions of HTTP are spoken beside HTTP/1.1.
public struct ServerProtocols: Sendable, Hashable {
  /// HTTP/2 on streams that are not encrypted, for clients that know of it beforehand (RFC 9113, 3.3). `Upgrade: h2c`
  /// is passed over, as RFC 9113 has it: such a client is answered in HTTP/1.1.
  public var http2InClear: Bool

  /// Only HTTP/1.1, but for what is asked.
  public init(http2InClear: Bool = false) {
    self.http2InClear = http2InClear
  }
}
