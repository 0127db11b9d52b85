// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryOCI

/// The `n` and `last` of a list.
struct PageRequest: Equatable {
  /// How many entries were asked for, clamped; nil when the client did not say.
  let limit: Int?
  /// After which entry.
  let last: String?

  /// Reads the parameters. `n` is digits only; more than `limitMax` is clamped, however large.
  init(_ query: Query, limitMax: Int) throws(Refusal) {
    last = query.first("last").flatMap { $0.isEmpty ? nil : $0 }
    guard let text = query.first("n"), !text.isEmpty else {
      limit = nil
      return
    }
    var value = 0
    for byte in text.utf8 {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
        throw Refusal(
          .paginationNumberInvalid,
          detail: ["reason": "n is not a whole number without sign", "n": .string(String(text.prefix(64)))])
      }
      value = min(value * 10 + Int(byte - UInt8(ascii: "0")), limitMax)
    }
    limit = value
  }

  /// The value of a Link field that leads to the next page (RFC 8288, which replaced RFC 5988).
  static func link(_ path: String, _ pairs: [Query.Pair]) -> String {
    "<\(path)?\(Query.encode(pairs))>; rel=\"next\""
  }
}
