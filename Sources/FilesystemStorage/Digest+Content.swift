// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI

extension DigestAlgorithm {
  /// The function that computes digests of this algorithm.
  var function: DigestFunction {
    switch self {
    case .sha256: .sha256
    case .sha512: .sha512
    }
  }
}

extension Digest {
  private static let ofNothing = DigestAlgorithm.allCases.map { Digest(of: [], $0) }

  /// The digest of these bytes.
  init(of bytes: [UInt8], _ algorithm: DigestAlgorithm) {
    self.init(algorithm: algorithm, bytes: digest(bytes, algorithm.function))
  }

  /// Whether it is the digest of no bytes at all.
  var isOfNothing: Bool { Self.ofNothing.contains(self) }

  /// What a link to it holds.
  var linkText: [UInt8] {
    var text: [UInt8] = []
    append(to: &text)
    return text
  }
}
