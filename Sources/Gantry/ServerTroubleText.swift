// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryServer
internal import GantryWorld

extension ServerTrouble {
  /// What went wrong, for the log.
  var explanation: String {
    switch self {
    case .acceptFailed(let error): "cannot accept connections: \(error.explanation); trying again"
    case .responseBroken(let error, let target): "the response to \(target) broke off: \(error.explanation)"
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
    case .failed(let code): LoopError.text(code)
    }
  }
}
