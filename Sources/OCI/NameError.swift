// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is not the name it should be. Always the client's fault; the reasons never repeat the input.
public enum NameError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Not a repository name.
  case invalidRepositoryName(reason: String)
  /// Not a tag.
  case invalidTag(reason: String)
  /// Not the identifier of an upload session.
  case invalidUploadID(reason: String)

  /// A sentence for the client.
  public var description: String {
    switch self {
    case .invalidRepositoryName(let reason): "invalid repository name: \(reason)"
    case .invalidTag(let reason): "invalid tag: \(reason)"
    case .invalidUploadID(let reason): "invalid upload id: \(reason)"
    }
  }
}
