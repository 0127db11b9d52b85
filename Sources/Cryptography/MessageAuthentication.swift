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

/// Whether this is the HMAC of the message that the algorithm (HS256, HS384, HS512) makes with the secret; false for
/// every other algorithm. Takes the same time wherever they differ.
public func isMessageAuthenticated(
  _ message: [UInt8], by code: [UInt8], secret: [UInt8], _ algorithm: SignatureAlgorithm
) -> Bool {
  let digest =
    switch algorithm {
    case .hs256: unsafe EVP_sha256()
    case .hs384: unsafe EVP_sha384()
    case .hs512: unsafe EVP_sha512()
    default: unsafe OpaquePointer?.none
    }
  guard let digest = unsafe digest else { return false }
  var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
  var length: UInt32 = 0
  let made = unsafe HMAC(digest, secret, Int32(secret.count), message, message.count, &output, &length) != nil
  precondition(made, "HMAC failed")
  return constantTimeEqual(Array(output.prefix(Int(length))), code)
}

/// Whether both are equal, in a time that tells nothing of where they differ. Their lengths are no secret.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  guard left.count == right.count else { return false }
  return unsafe CRYPTO_memcmp(left, right, left.count) == 0
}
