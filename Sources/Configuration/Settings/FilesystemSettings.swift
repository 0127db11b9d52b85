// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `storage.filesystem` section.
public struct FilesystemSettings: Sendable, Equatable {
  /// The directory that holds `docker/registry/v2`; relative paths are relative to the working directory.
  public var rootDirectory: String
  /// How many file operations may be in flight at once; at least 25, as in Distribution. Bounds the work pool where
  /// `http.workers` does not set its size.
  public var threadsMax: Int
  /// What an acknowledgement promises.
  public var durability: Durability

  /// The words for what an acknowledgement promises.
  public enum Durability: String, Sendable, CaseIterable {
    /// What was acknowledged is there after a power cut.
    case strict
    /// As in Distribution: contents are synced, their names are not.
    case distribution
  }

  /// `uploadsyncbytes`: how many acknowledged bytes of an upload a power cut may take; 0 for none.
  public var uploadSyncBytes: Int

  /// `checkpointinterval`: how long after the first write the journal is emptied.
  public var checkpointInterval: Duration

  /// Distribution's default for `rootdirectory`.
  public static let rootDirectoryDefault = "/var/lib/registry"
  /// Distribution's default for `maxthreads`.
  public static let threadsMaxDefault = 100
  /// The smallest `maxthreads` that Distribution accepts; smaller values are raised to it.
  public static let threadsMaxFloor = 25
  /// Our default for `uploadsyncbytes`: 16 MiB.
  public static let uploadSyncBytesDefault = 16 << 20

  /// Our default for `checkpointinterval`: 10 s.
  public static let checkpointIntervalDefault = Duration.seconds(10)

  /// Makes the section; the defaults are Distribution's.
  public init(
    rootDirectory: String = FilesystemSettings.rootDirectoryDefault,
    threadsMax: Int = FilesystemSettings.threadsMaxDefault,
    durability: Durability = .strict, uploadSyncBytes: Int = FilesystemSettings.uploadSyncBytesDefault,
    checkpointInterval: Duration = FilesystemSettings.checkpointIntervalDefault
  ) {
    self.rootDirectory = rootDirectory
    self.threadsMax = threadsMax
    self.durability = durability
    self.uploadSyncBytes = uploadSyncBytes
    self.checkpointInterval = checkpointInterval
  }
}
