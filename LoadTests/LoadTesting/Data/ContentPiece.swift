// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One piece of what a registry holds before a scenario pulls from it.
enum ContentPiece: Sendable {
  /// A blob and the repository that links it.
  case blob(repository: String, name: String, bytes: @Sendable () -> [UInt8])
  /// A manifest and the tags that point to it.
  case manifest(repository: String, name: String, bytes: [UInt8], tags: [String])
}

extension ImageData {
  /// The image's blobs and its manifest.
  func contents(_ repository: String, tags: [String]) -> [ContentPiece] {
    [.blob(repository: repository, name: configName, bytes: { config })]
      + layers.map { layer in .blob(repository: repository, name: layer.name, bytes: { layer.bytes }) }
      + [.manifest(repository: repository, name: manifestName, bytes: manifest, tags: tags)]
  }
}
