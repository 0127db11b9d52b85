// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why bytes are not a JSON text that is taken here. Offsets count bytes from 0.
public enum JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The bytes break the grammar, or are not UTF-8.
  case malformed(reason: String, offset: Int)
  /// Arrays and objects stand deeper in each other than `depthMax`.
  case tooDeep(depthMax: Int)
  /// There are more values than `valuesMax`.
  case tooManyValues(valuesMax: Int)

  /// A sentence for the client.
  public var description: String {
    switch self {
    case .malformed(let reason, let offset): "\(reason) at byte \(offset)"
    case .tooDeep(let depthMax): "arrays and objects nest deeper than \(depthMax) levels"
    case .tooManyValues(let valuesMax): "there are more than \(valuesMax) values"
    }
  }
}
