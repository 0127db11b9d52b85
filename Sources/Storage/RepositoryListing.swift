// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// Lists repositories.
public protocol RepositoryListing: Sendable {
  /// At most `limit` repositories after `last` (strictly; it need not exist) in the catalog's order ('/' sorts before
  /// every other character), and whether more follow. A repository is listed once a manifest was pushed to it.
  func repositories(after last: String?, limit: Int) async throws(StorageError) -> ListPage<RepositoryName>
}
