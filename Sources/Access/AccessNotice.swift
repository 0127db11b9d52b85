// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What an operator should know about the files of users and groups.
public enum AccessNotice: Sendable, Hashable, CustomStringConvertible {
  /// A line says nothing that can be used; it is skipped, and lets nobody in.
  case lineSkipped(path: String, line: Int, reason: String)
  /// More lines like these were skipped.
  case moreLinesSkipped(path: String, count: Int)
  /// There was no file; one was made with this user.
  case userProvisioned(path: String, user: String, password: String)

  /// The notice for a person. Holds a password only where nobody could know it otherwise.
  public var description: String {
    switch self {
    case .lineSkipped(let path, let line, let reason): "\(path):\(line): skipped: \(reason)"
    case .moreLinesSkipped(let path, let count): "\(path): \(count) more lines were skipped"
    case .userProvisioned(let path, let user, let password):
      "htpasswd is missing, provisioning with default user: path=\(path) user=\(user) password=\(password)"
    }
  }
}
