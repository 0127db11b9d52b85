// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// When uploads that nobody finished are removed (Distribution's `storage.maintenance.uploadpurging`).
public struct UploadPurging: Sendable, Hashable {
  /// Uploads that began longer ago than this are removed.
  public var age: Duration
  /// From the end of one run to the start of the next.
  public var interval: Duration
  /// The first run begins at a random moment within this time, so that many registries on one storage spread out.
  public var firstDelayMax: Duration
  /// Counts only.
  public var isDryRun: Bool

  /// Purging; without arguments as Distribution does it: after a week, once a day.
  public init(
    age: Duration = .seconds(168 * 3600), interval: Duration = .seconds(24 * 3600),
    firstDelayMax: Duration = .seconds(3600), isDryRun: Bool = false
  ) {
    self.age = age
    self.interval = interval
    self.firstDelayMax = firstDelayMax
    self.isDryRun = isDryRun
  }
}
