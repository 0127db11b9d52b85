// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `storage.maintenance.uploadpurging` section: removal of uploads that nobody finished.
public struct UploadPurgingSettings: Sendable, Equatable {
  /// Whether abandoned uploads are removed at all; default true.
  public var isEnabled: Bool
  /// An upload begun longer ago than this is abandoned; default 168 h.
  public var age: Duration
  /// The time between two runs; default 24 h.
  public var interval: Duration
  /// Only log what would be removed; default false.
  public var isDryRun: Bool

  /// Makes the section; the defaults are Distribution's.
  public init(
    isEnabled: Bool = true, age: Duration = .seconds(168 * 3600), interval: Duration = .seconds(24 * 3600),
    isDryRun: Bool = false
  ) {
    self.isEnabled = isEnabled
    self.age = age
    self.interval = interval
    self.isDryRun = isDryRun
  }
}
