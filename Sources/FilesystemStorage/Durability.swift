// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What an acknowledgement promises.
public enum Durability: Sendable, Hashable {
  /// What was acknowledged is there after a power cut, on any file system that keeps what POSIX promises of `fsync`.
  case strict
  /// Distribution's level: contents are synced before they get their names, names and directories are not. A power cut
  /// may take what was acknowledged in the last half minute; it leaves nothing torn.
  case contents
}
