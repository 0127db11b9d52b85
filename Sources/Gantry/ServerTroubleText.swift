// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryServer
internal import GantryWorld
internal import Logging

extension ServerTrouble {
  /// What went wrong, for the log.
  var explanation: String {
    switch self {
    case .acceptFailed(let error): "cannot accept connections: \(error.explanation); trying again"
    case .responseBroken(let error, let target): "the response to \(target) broke off: \(error.explanation)"
    case .handshakeFailed(let peer, let reason): "no TLS with \(peer.description): \(reason)"
    case .addressRefused(let peer, let count):
      """
      \(count) connections were closed at once, the last of \(peer.host): one address may have \
      http.clientlimits.address.connections open; a proxy or gateway that many clients come through belongs in \
      http.clientlimits.trustedproxies or exempt
      """
    case .clientCutOff(let peer, let reason): "the connection from \(peer.description) was ended: \(reason)"
    }
  }

  /// How loud it is told.
  var level: Logger.Level {
    switch self {
    case .acceptFailed, .responseBroken: .error
    case .addressRefused, .clientCutOff: .warning
    case .handshakeFailed: .info
    }
  }
}

extension StreamError {
  fileprivate var explanation: String {
    switch self {
    case .closed: "closed"
    case .reset: "reset"
    case .truncatedFile: "the file is shorter than it was when the response began"
    case .unreadableFile(let error): error.explanation
    case .insecure(let reason): reason
    case .failed(let code): LoopError.text(code)
    }
  }
}
