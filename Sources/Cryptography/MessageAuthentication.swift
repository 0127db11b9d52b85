// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryOpenSSL

/// HMAC with SHA-256 (RFC 2104): 32 bytes.
public func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
  var output = [UInt8](repeating: 0, count: DigestFunction.sha256.byteCount)
  var length: UInt32 = 0
  let made = unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &output, &length) != nil
  precondition(made && length == 32, "HMAC failed")
  return output
}

/// Whether both are equal, in a time that tells nothing of where they differ. Their lengths are no secret.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  guard left.count == right.count else { return false }
  return unsafe CRYPTO_memcmp(left, right, left.count) == 0
}
