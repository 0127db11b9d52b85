// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A hash function that content may be addressed by (OCI image-spec, descriptor: registered algorithms).
@frozen
public enum DigestAlgorithm: UInt8, Sendable, Hashable, CaseIterable {
  /// SHA-256, the canonical algorithm of every registry.
  case sha256
  /// SHA-512.
  case sha512

  /// The algorithm whose registered name is `name`, or nil when this registry does not support it.
  public init?(name: String) {
    switch name {
    case "sha256": self = .sha256
    case "sha512": self = .sha512
    default: return nil
    }
  }

  /// The registered name, as it stands before the colon of a digest.
  public var name: String {
    switch self {
    case .sha256: "sha256"
    case .sha512: "sha512"
    }
  }

  /// Length of the raw digest, in bytes.
  public var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha512: 64
    }
  }

  /// Length of the digest as hexadecimal text, in characters.
  public var hexLength: Int { byteCount * 2 }
}
