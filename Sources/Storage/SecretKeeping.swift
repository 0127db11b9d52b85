// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Keeps a secret with the storage, so that every process on it shares it and a restart finds it again.
public protocol SecretKeeping: Sendable {
  /// The secret of this name. Made from `fresh` and kept, readable by the owner only, when there is none; when two
  /// processes make it at once, both get the same one.
  func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8]
}
