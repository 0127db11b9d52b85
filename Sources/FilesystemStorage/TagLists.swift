// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld
import Synchronization

/// The names of a repository's tags in byte order, as its directory of tags held them, and which of them are known to
/// point somewhere.
///
/// A tag is made and removed by an entry of that directory, so an unchanged directory has the same names. Its link may
/// come a moment after the entry, and a removal that was cut off may take the link and leave the entry: names without
/// a link are looked at again each time, and ``ageMax`` bounds how long one that lost its link is listed.
///
/// Isolation: safe from everywhere; one lock.
final class TagListing: Sendable {
  /// How long a link that was there is believed to be.
  static let ageMax: Int64 = 5_000_000_000

  private struct Known {
    /// For each name, whether its link was seen.
    var isThere: [Bool]
    var count = 0
  }

  private let tags: [Tag]
  private let version: LinkVersion
  private let readAt: Int64
  private let known: Mutex<Known>

  /// A listing of the directory as it was at `version`, which was asked for before the names were read.
  init(_ tags: [Tag], version: LinkVersion, readAt: Int64) {
    (self.tags, self.version, self.readAt) = (tags, version, readAt)
    known = Mutex(Known(isThere: Array(repeating: false, count: tags.count)))
  }

  /// About how many bytes it takes.
  var weight: Int { 64 + tags.reduce(0) { $0 + ($1.utf8Count > 15 ? 65 + $1.utf8Count : 17) } }

  /// Whether it may still be used: the directory is unchanged, and the links were seen lately.
  func stands(_ now: LinkVersion, at time: Int64) -> Bool {
    now == version && version.isSettled && time >= readAt && time - readAt < Self.ageMax
  }

  /// The page, when every link that it takes was seen.
  func page(after last: String?, limit: Int) -> ListPage<Tag>? {
    let start = index(after: last)
    return known.withLock { known in
      if known.count == tags.count {
        let end = start + min(limit, tags.count - start)
        return ListPage(elements: Array(tags[start..<end]), hasMore: end < tags.count)
      }
      var page: [Tag] = []
      for index in start..<tags.count {
        guard known.isThere[index] else { return nil }
        if page.count == limit { return ListPage(elements: page, hasMore: true) }
        page.append(tags[index])
      }
      return ListPage(elements: page, hasMore: false)
    }
  }

  /// The page, with a look at each link that was not seen yet. Blocks: for a script.
  func page(
    after last: String?, limit: Int, isThere: (Tag) throws(FileError) -> Bool
  ) throws(FileError) -> ListPage<Tag> {
    let before = known.withLock { $0.isThere }
    var page: [Tag] = []
    var seen: [Int] = []
    var hasMore = false
    for index in index(after: last)..<tags.count {
      if !before[index] {
        guard try isThere(tags[index]) else { continue }
        seen.append(index)
      }
      hasMore = page.count == limit
      if hasMore { break }
      page.append(tags[index])
    }
    known.withLock { known in
      for index in seen where !known.isThere[index] {
        known.isThere[index] = true
        known.count += 1
      }
    }
    return ListPage(elements: page, hasMore: hasMore)
  }

  // The place of the first name that comes strictly after `last`.
  private func index(after last: String?) -> Int {
    guard let last else { return 0 }
    var (low, high) = (0, tags.count)
    while low < high {
      let middle = (low + high) / 2
      if tags[middle].description <= last { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Listings that were used lately, bounded by what they weigh.
///
/// Isolation: safe from everywhere; one lock.
final class TagLists: Sendable {
  private struct Table {
    var listings: [RepositoryName: TagListing] = [:]
    var weight = 0
  }

  /// Beyond this everything is forgotten and read anew.
  private static let weightMax = 16 << 20

  private let table = Mutex(Table())

  /// The repository's listing, which may be out of date.
  func listing(of repository: RepositoryName) -> TagListing? { table.withLock { $0.listings[repository] } }

  /// Keeps a listing, unless it is too long.
  func keep(_ listing: TagListing, of repository: RepositoryName) {
    let weight = listing.weight
    guard weight <= Self.weightMax / 2 else { return forget(repository) }
    table.withLock { table in
      if let old = table.listings.removeValue(forKey: repository) { table.weight -= old.weight }
      if table.weight + weight > Self.weightMax { table = Table() }
      table.listings[repository] = listing
      table.weight += weight
    }
  }

  /// Forgets a listing: one of its links may be gone while its name stays.
  func forget(_ repository: RepositoryName) {
    table.withLock { table in
      if let old = table.listings.removeValue(forKey: repository) { table.weight -= old.weight }
    }
  }
}

extension FilesystemStorage {
  /// The page from the listing that is kept, without leaving the loop: one stat. Nil when the directory has to be read,
  /// or links to be looked at.
  func keptPage(of repository: RepositoryName, after last: String?, limit: Int) -> ListPage<Tag>? {
    guard let listing = tagLists.listing(of: repository),
      // A directory that cannot be looked at is read anew, which says why it fails.
      let version = try? tree.directoryVersion(tree.layout.tags(in: repository)),
      listing.stands(version, at: FilesystemWatch.nanoseconds(tree.clock.now))
    else { return nil }
    return listing.page(after: last, limit: limit)
  }
}

extension TagLists {
  /// The page as it stands, from the directory unless it is unchanged; nil when the repository never had a manifest.
  /// Blocks: for a script.
  func page(
    of repository: RepositoryName, after last: String?, limit: Int, in tree: StoredTree
  ) throws(FileError) -> ListPage<Tag>? {
    guard let listing = try current(repository, in: tree) else { return nil }
    return try listing.page(after: last, limit: limit) { tag throws(FileError) in
      guard let status = try tree.files.status(tree.layout.current(tag, in: repository).file) else { return false }
      return StoredTree.mayBeLink(status.size)
    }
  }

  private func current(_ repository: RepositoryName, in tree: StoredTree) throws(FileError) -> TagListing? {
    let directory = tree.layout.tags(in: repository)
    let now = FilesystemWatch.nanoseconds(tree.clock.now)
    let version = try tree.directoryVersion(directory)
    if let version, let kept = listing(of: repository), kept.stands(version, at: now) { return kept }
    guard let names = try tree.tagNames(in: repository, after: nil) else { return nil }
    // What is no tag was not put there by a registry; Distribution could not serve it either.
    let tags = names.compactMap { try? Tag(parsing: $0) }
    let listing = TagListing(tags, version: version ?? LinkVersion(0, 0, 0, isSettled: false), readAt: now)
    if version?.isSettled == true { keep(listing, of: repository) }
    return listing
  }
}

extension StoredTree {
  /// Whether a link may be this long. One that an older Distribution left torn, by a crash while it wrote, is not.
  static func mayBeLink(_ size: UInt64) -> Bool {
    DigestAlgorithm.allCases.contains { size == $0.name.utf8.count + 1 + 2 * $0.byteCount }
  }

  /// The version of a directory's names; nil when there is none.
  func directoryVersion(_ path: String) throws(FileError) -> LinkVersion? {
    guard let status = try files.status(path), status.isDirectory else { return nil }
    return FilesystemWatch.version(status, now: clock.now)
  }
}
