// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Why it is not known who makes a request.
public enum AccessError: Error, Sendable, Hashable {
  /// The credentials are wrong, malformed or expired. Never says which.
  case credentialsRefused
  /// The token is wrong, malformed or expired. The reason is for the log.
  case tokenRefused(TokenFault)
  /// Too many passwords or tokens are being checked at this moment.
  case busy
  /// There were too many wrong passwords from this address lately; it has to wait for so long.
  case slowedDown(Duration)
  /// A file of users or groups cannot be read: nobody is let in on what it said before.
  case unreadable(FileError)
  /// A file of users or groups is larger than it may be.
  case tooLarge(path: String, bytesMax: Int)
  /// A file of keys says nothing that could be used.
  case unusable(path: String, reason: String)
}
