// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Counts failures in a row: a check counts as failed once there were enough of them, and as well again with the first
/// success.
struct HealthThreshold: Sendable, Hashable {
  private let threshold: Int
  private var failures = 0

  init(_ threshold: Int) {
    self.threshold = threshold
  }

  /// Takes the result of a look; returns what the check is to say.
  mutating func judge(_ failure: String?) -> String? {
    guard let failure else {
      failures = 0
      return nil
    }
    failures = min(failures + 1, max(threshold, 1))
    return failures >= threshold ? failure : nil
  }
}
