// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a Range header comes to for a representation of known size.
@frozen
public enum RangeOutcome: Hashable, Sendable {
  /// Answer with the whole representation, as if there were no Range header.
  case whole
  /// Answer 416 with `Content-Range: bytes */size`.
  case unsatisfiable
  /// Answer 206 with these ranges: at least one, each within the size, none empty, none overlapping.
  case satisfiable([Range<UInt64>])
}
