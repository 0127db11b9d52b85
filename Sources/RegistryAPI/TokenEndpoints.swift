// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryWorld

/// Our own place for tokens, in the manner of Distribution's token servers (its `auth/token` document): a caller with a
/// password, or without any, gets a token that says who it is. What it may do is judged by each request itself.
struct TokenEndpoints {
  let context: APIContext

  func give(_ call: Call) async throws(Refusal) -> Response {
    guard let access = context.access else {
      throw Refusal(.unsupported, status: .notFound, message: "no such endpoint")
    }
    let token: (text: String, lifetime: Int64)?
    do { token = try await access.token(for: call.caller) } catch {
      throw AccessGate(context: context).refusal(error, call, .token)
    }
    guard let token else { throw Refusal(.unsupported, status: .notFound, message: "no such endpoint") }
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    fields.append("Cache-Control", "no-store")
    var body: [UInt8] = []
    JSONText.append(
      [
        "token": .string(token.text), "access_token": .string(token.text), "expires_in": .integer(token.lifetime),
        "issued_at": .string(context.service.wallClock.now.rfc3339),
      ], to: &body)
    return Response(status: .ok, fields: fields, body: .bytes(body))
  }
}
