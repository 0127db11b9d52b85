// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryWorld
import Synchronization

/// Bounds how many files a loop holds open for answers that clients take slowly, so that no client takes all
/// descriptors by asking for many blobs and reading none. A file that several answers share counts once: a layer that
/// everybody pulls costs one descriptor, whoever pulls it.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class FileBudget: Sendable {
  private struct State {
    /// Answers that a file may be opened for, now.
    var opening: Set<RequestID> = []
    var held: [RequestID: any OpenFile] = [:]
    /// How many answers hold a file. The file itself is kept above, so nothing else takes its identity.
    var holders: [ObjectIdentifier: Int] = [:]

    mutating func drop(_ id: RequestID) {
      opening.remove(id)
      guard let file = held.removeValue(forKey: id) else { return }
      let key = ObjectIdentifier(file)
      guard let count = holders[key] else { preconditionFailure("a file that is held has holders") }
      holders[key] = count > 1 ? count - 1 : nil
    }
  }

  private let filesMax: Int
  private let state = Mutex(State())

  init(filesMax: Int) {
    self.filesMax = filesMax
  }

  /// Keeps a place for a file that is about to be opened, or says false. It is taken by ``take(_:for:)``, or given up
  /// by ``giveBack(_:)``. Those of answers without content are short, and have some places beyond the others: who looks
  /// whether a blob is there, to push what is not, does not wait for slow readers.
  func reserve(for id: RequestID, isShort: Bool) -> Bool {
    state.withLock { state in
      let limit = isShort ? filesMax + max(16, filesMax / 8) : filesMax
      guard state.holders.count + state.opening.count < limit else { return false }
      state.opening.insert(id)
      return true
    }
  }

  /// Counts the file of an answer until ``giveBack(_:)`` is called with the same id, or counts nothing and says false.
  func take(_ body: ResponseBody, for id: RequestID) -> Bool {
    let file = body.file
    return state.withLock { state in
      let hadPlace = !state.opening.isEmpty && state.opening.remove(id) != nil
      guard let file else { return true }
      let key = ObjectIdentifier(file)
      let count = state.holders[key, default: 0]
      guard count > 0 || hadPlace || state.holders.count + state.opening.count < filesMax else { return false }
      state.drop(id)
      state.holders[key] = count + 1
      state.held[id] = file
      return true
    }
  }

  /// The answer has left, or its client has, or there is none.
  func giveBack(_ id: RequestID) {
    state.withLock { state in
      if !state.held.isEmpty || !state.opening.isEmpty { state.drop(id) }
    }
  }
}

extension ResponseBody {
  /// The file that it is sent from; nil when it is in memory. All pieces of an answer are of one file.
  fileprivate var file: (any OpenFile)? {
    switch self {
    case .empty, .bytes, .stream: return nil
    case .file(let file, _): return file
    case .pieces(let pieces):
      for case .file(let file, _) in pieces { return file }
      return nil
    }
  }
}
