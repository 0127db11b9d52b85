// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `storage.filesystem` section.
public struct FilesystemSettings: Sendable, Equatable {
  /// The directory that holds `docker/registry/v2`; relative paths are relative to the working directory.
  public var rootDirectory: String
  /// How many file operations may be in flight at once; at least 25, as in Distribution. Bounds the work pool where
  /// `http.workers` does not set its size.
  public var threadsMax: Int

  /// Distribution's default for `rootdirectory`.
  public static let rootDirectoryDefault = "/var/lib/registry"
  /// Distribution's default for `maxthreads`.
  public static let threadsMaxDefault = 100
  /// The smallest `maxthreads` that Distribution accepts; smaller values are raised to it.
  public static let threadsMaxFloor = 25

  /// Makes the section; the defaults are Distribution's.
  public init(
    rootDirectory: String = FilesystemSettings.rootDirectoryDefault,
    threadsMax: Int = FilesystemSettings.threadsMaxDefault
  ) {
    self.rootDirectory = rootDirectory
    self.threadsMax = threadsMax
  }
}
