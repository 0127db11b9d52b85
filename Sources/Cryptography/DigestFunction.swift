// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A hash function of the SHA-2 family (FIPS 180-4).
@frozen
public enum DigestFunction: Sendable {
  /// SHA-256: 32 bytes of digest, blocks of 64 bytes.
  case sha256
  /// SHA-512: 64 bytes of digest, blocks of 128 bytes.
  case sha512

  /// Length of the digest, in bytes.
  public var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha512: 64
    }
  }
}

/// The digest of `bytes`.
public func digest(_ bytes: [UInt8], _ function: DigestFunction) -> [UInt8] {
  var running = RunningDigest(function)
  running.update(bytes)
  return running.finished()
}
