// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is not a digest that this registry can use. Always the client's fault.
public enum DigestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The text does not follow the digest grammar, or its encoded part does not fit its algorithm.
  case malformed(reason: String)
  /// The text is a well-formed digest of an algorithm that this registry does not support.
  case unsupportedAlgorithm(name: String)

  /// A sentence for the client; it never repeats more than a short, printable part of the input.
  public var description: String {
    switch self {
    case .malformed(let reason): "malformed digest: \(reason)"
    case .unsupportedAlgorithm(let name): "unsupported digest algorithm '\(name)'; supported are sha256 and sha512"
    }
  }
}
