// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPWire

/// The text of the `Date` field, made once a second at most.
struct ResponseDate {
  private var seconds: Int64 = .min
  private var bytes: [UInt8] = []

  mutating func text(at seconds: Int64) -> [UInt8] {
    if seconds != self.seconds {
      self.seconds = seconds
      bytes = HTTPDate(unixSeconds: seconds).bytes
    }
    return bytes
  }
}
