// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire

/// Several origins in `http.headers` under `Access-Control-Allow-Origin`.
///
/// A browser takes this field with one value only (Fetch standard, CORS check). So of several the one is answered that
/// the request comes from, and none to others; one value alone is sent as it is, as every other configured field.
struct AllowedOrigins: Sendable {
  private static let field = "access-control-allow-origin"
  private let origins: Set<String>

  /// Nil when no more than one is configured, or one of them is `*`.
  init?(_ headers: [APISettings.Header]) {
    let values = headers.filter { Self.isField($0.name) }.flatMap(\.values)
    guard values.count > 1, !values.contains("*") else { return nil }
    origins = Set(values)
  }

  /// Whether this is the name of the field.
  static func isField(_ name: String) -> Bool { name.lowercased() == field }

  /// Adds what a response to this request says of its origin.
  func add(to fields: inout Fields, for head: RequestHead) {
    // The answer differs by origin, so no cache may give one origin's answer to another.
    fields.append("Vary", "Origin")
    guard let origin = head.fieldText("origin"), origins.contains(origin) else { return }
    fields.append("Access-Control-Allow-Origin", origin)
  }
}
