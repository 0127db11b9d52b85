// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a stream or a connection ended (RFC 9113, 7); those codes that are used here.
public enum HTTP2ErrorCode: UInt32, Sendable, Hashable {
  /// Nothing is wrong.
  case noError = 0
  /// The peer broke a rule.
  case protocolError = 1
  /// Our own fault.
  case internalError = 2
  /// The stream was not looked at and may be tried again.
  case refusedStream = 7
  /// The stream is not needed any more.
  case cancel = 8
  /// The peer asks for more work than is bearable.
  case enhanceYourCalm = 11
}
