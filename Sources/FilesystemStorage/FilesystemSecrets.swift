// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage
import GantryWorld

extension FilesystemStorage {
  /// See ``SecretKeeping/secret(named:fresh:)``. Kept with mode 0600; the name must be made of lower-case letters,
  /// digits and inner dashes.
  public func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8] {
    let secret = try await script { (tree) throws(FileError) -> [UInt8]? in
      let place = tree.layout.secret(name)
      if let kept = try tree.contents(of: place.file, atMost: Self.secretBytesMax) { return kept }
      let staged = try tree.commit.stage(fresh, mode: 0o600)
      defer { tree.commit.discard(staged) }
      try tree.commit.makeDirectories(of: [place])
      // Whoever gives it the name first decides; everybody reads that one.
      _ = try tree.commit.publishNew(staged, at: place)
      return try tree.contents(of: place.file, atMost: Self.secretBytesMax)
    }
    guard let secret, !secret.isEmpty else { throw .damaged("the secret \(name) in gantry/secrets is empty or gone") }
    return secret
  }

  /// No secret is longer.
  private static let secretBytesMax = 4096
}
