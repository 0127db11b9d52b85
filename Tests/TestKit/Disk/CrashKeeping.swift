// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What is still there after a power cut, besides what was synced.
public enum CrashKeeping: Sendable, Hashable {
  /// Nothing: the least that strict POSIX allows.
  case synced
  /// Every change of a name, no change of contents: the renamed file that turns out empty.
  case names
  /// Every change of contents, no change of a name.
  case contents
  /// Everything.
  case everything
  /// Each change by itself, by the seed: names come or not, a write comes whole, not, or torn in sectors of 512 bytes.
  case seeded(UInt64)
}
