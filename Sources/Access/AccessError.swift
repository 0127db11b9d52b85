// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Why it is not known who makes a request.
public enum AccessError: Error, Sendable, Hashable {
  /// The credentials are malformed or expired, or nobody's. Never says which.
  case credentialsRefused
  /// The password is not this user's, or there is no such user. The name is for the log: somebody claimed to have it.
  case passwordRefused(name: String)
  /// The token is wrong, malformed or expired. The reason is for the log.
  case tokenRefused(TokenFault)
  /// Too many passwords or tokens are being checked at this moment.
  case busy
  /// There were too many wrong passwords from this address lately; it has to wait for so long. The name is for the log.
  case slowedDown(Duration, name: String)
  /// A file of users or groups cannot be read: nobody is let in on what it said before.
  case unreadable(FileError)
  /// A file of users or groups is larger than it may be.
  case tooLarge(path: String, bytesMax: Int)
  /// A file of keys says nothing that could be used.
  case unusable(path: String, reason: String)
}
