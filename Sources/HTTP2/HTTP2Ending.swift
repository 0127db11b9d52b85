// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a connection was ended by us, at once and whatever was under way. Always the client's fault.
public enum HTTP2Ending: Error, Sendable, Hashable {
  /// What came first is not the preface of HTTP/2.
  case notHTTP2
  /// A rule of RFC 9113 was broken in a way that leaves nothing to go on with; nghttp2's number of it.
  case broken(code: Int32)
  /// More resets than ``HTTP2Limits/resetsBurst`` forgives.
  case resets
  /// More frames that carry nothing than ``HTTP2Limits/controlFramesBurst`` forgives.
  case controlFrames
  /// More acknowledgements wait than ``HTTP2Limits/acknowledgementsMax``.
  case acknowledgements
  /// More frames of any kind wait than ``HTTP2Limits/outboundFramesMax``.
  case outboundFrames
  /// A head of more than ``HTTP2Limits/continuationsMax`` CONTINUATION frames.
  case continuations
  /// A head that decodes to more than ``HTTP2Limits/headExcessMax`` allows.
  case headBomb

  /// The code that the client is told.
  public var code: HTTP2ErrorCode {
    switch self {
    case .notHTTP2, .broken: .protocolError
    case .resets, .controlFrames, .acknowledgements, .outboundFrames, .continuations, .headBomb: .enhanceYourCalm
    }
  }

  /// One line for the client and the log.
  public var reason: String {
    switch self {
    case .notHTTP2: "no HTTP/2 connection preface"
    case .broken(let code): "the connection cannot go on (nghttp2 error \(code))"
    case .resets: "too many streams were reset"
    case .controlFrames: "too many frames that carry nothing"
    case .acknowledgements: "too many acknowledgements wait to be read"
    case .outboundFrames: "too many frames wait to be read"
    case .continuations: "too many CONTINUATION frames"
    case .headBomb: "a field section decodes to too much"
    }
  }
}
