// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage

/// Told what the registry does on its own account, for the log. Called on a loop; must not block.
public protocol RegistryObserver: Sendable {
  /// A purge is over: so many uploads were removed, or would have been.
  func purged(uploads count: Int, isDryRun: Bool)
  /// A purge ended early; the next one tries again.
  func purgeFailed(_ error: StorageError)
}
