// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

/// Where an upload stands.
public struct UploadStatus: Sendable, Hashable {
  /// The upload's id.
  public let id: UploadID
  /// The repository that it belongs to.
  public let repository: RepositoryName
  /// Bytes taken so far, exactly.
  public let offset: UInt64
  /// When it began.
  public let startedAt: WallTime

  /// Makes a status.
  public init(id: UploadID, repository: RepositoryName, offset: UInt64, startedAt: WallTime) {
    self.id = id
    self.repository = repository
    self.offset = offset
    self.startedAt = startedAt
  }
}
