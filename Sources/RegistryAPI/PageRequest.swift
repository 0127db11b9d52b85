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

  /// Reads the parameters. `n` is digits only and fits 64 bits; more than `limitMax` is clamped.
  init(_ query: Query, limitMax: Int) throws(Refusal) {
    last = query.first("last").flatMap { $0.isEmpty ? nil : $0 }
    guard let text = query.first("n"), !text.isEmpty else {
      limit = nil
      return
    }
    let isDigits = text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    guard isDigits, let value = Int(text) else {
      throw Refusal(
        .paginationNumberInvalid,
        detail: ["reason": "n is not a whole number without sign", "n": .string(String(text.prefix(64)))])
    }
    limit = min(value, limitMax)
  }

  /// The value of a Link field that leads to the next page (RFC 8288, which replaced RFC 5988).
  static func link(_ path: String, _ pairs: [Query.Pair]) -> String {
    "<\(path)?\(Query.encode(pairs))>; rel=\"next\""
  }
}
