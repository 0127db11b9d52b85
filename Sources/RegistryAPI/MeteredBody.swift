// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryTelemetry

/// A body that counts what is read of it.
final class MeteredBody: RequestBody {
  private let body: any RequestBody
  private let meters: RequestMeters

  init(_ body: any RequestBody, _ meters: RequestMeters) {
    self.body = body
    self.meters = meters
  }

  var announcedLength: UInt64? { body.announcedLength }

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(BodyError) -> Bool {
    let before = buffer.count
    defer { meters.received(buffer.count - before) }
    return try await body.read(into: &buffer, atMost: limit)
  }
}
