// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Whether a caller may do something.
public enum Verdict: Sendable, Hashable {
  /// It may.
  case granted
  /// It may not.
  case denied
  /// Its token does not say that it may; another one could.
  case scopeMissing
}
