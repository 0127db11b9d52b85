// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a server speaks inside TLS, the preferred first (RFC 7301).
struct ApplicationProtocols: Sendable {
  enum Choice: Equatable {
    /// The server speaks whatever it speaks, and says nothing of it.
    case unanswered
    /// Nothing that the client wants is spoken here.
    case noneInCommon
    /// The name at these places of the client's list.
    case entry(Range<Int>)
  }

  private let names: [[UInt8]]

  init(_ names: [String]) {
    self.names = names.map { Array($0.utf8) }
  }

  /// Chooses from a client's list: entries of a length and so many bytes. OpenSSL has seen that it is well-formed; an
  /// entry that is not ends it.
  func choice(of list: [UInt8]) -> Choice {
    if names.isEmpty { return .unanswered }
    for name in names {
      var place = 0
      while place < list.count {
        let entry = (place + 1)..<(place + 1 + Int(list[place]))
        guard entry.upperBound <= list.count else { break }
        if list[entry].elementsEqual(name) { return .entry(entry) }
        place = entry.upperBound
      }
    }
    return .noneInCommon
  }
}
