// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage
import GantryWorld

extension FilesystemStorage {
  /// See ``TagStoring/tag(_:in:)``.
  public func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest? {
    try await script { (tree) throws(FileError) -> Digest? in try tree.link(tree.layout.current(tag, in: repository)) }
  }

  /// See ``TagStoring/watch(tag:in:)``.
  public func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch {
    watch(tree.layout.current(tag, in: repository))
  }

  /// See ``TagStoring/setTag(_:to:in:provided:)``. The index entry comes first, as in Distribution: whatever the tag
  /// points at is in its index.
  public func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await change(
      Journal.Change(.tag(tag, digest, in: repository), provided: check(condition, of: tag, in: repository)))
  }

  /// See ``TagStoring/removeTag(_:in:provided:)``. Removes all of the tag, its index too, as Distribution does.
  public func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    // A removal that fails halfway may take the link and leave the name.
    defer { tagLists.forget(repository) }
    return try await remove(
      tree.layout.current(tag, in: repository), .noTag(tag, in: repository),
      provided: check(condition, of: tag, in: repository))
  }

  private func check(
    _ condition: TagCondition, of tag: Tag, in repository: RepositoryName
  ) -> Journal.Condition? {
    if case .nothing = condition { return nil }
    return { (tree) throws(FileError) in try tree.holds(condition, of: tag, in: repository) }
  }

  /// See ``TagStoring/tags(in:after:limit:)``. Costs one stat while nobody changes the tags; else it reads the names of
  /// the directory and looks at the links of the page alone.
  public func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>? {
    if let page = keptPage(of: repository, after: last, limit: limit) { return page }
    let lists = tagLists
    return try await script { (tree) throws(FileError) in
      try lists.page(of: repository, after: last, limit: limit, in: tree)
    }
  }

  /// See ``TagStoring/tags(pointingAt:in:)``. In byte order. Reads every tag's link, some hundreds in each script.
  public func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag] {
    let names = try await script { (tree) throws(FileError) in try tree.tagNames(in: repository, after: nil) } ?? []
    var pointing: [Tag] = []
    for start in stride(from: 0, to: names.count, by: Self.linksPerScript) {
      let some = names[start..<min(start + Self.linksPerScript, names.count)]
      pointing += try await script { (tree) throws(FileError) -> [Tag] in
        var pointing: [Tag] = []
        for name in some {
          // See above.
          guard let tag = try? Tag(parsing: name),
            try tree.link(tree.layout.current(tag, in: repository)) == digest
          else { continue }
          pointing.append(tag)
        }
        return pointing
      }
    }
    return pointing
  }

  /// How many links one script reads at most, so that it takes a few milliseconds.
  static let linksPerScript = 512

  /// See ``RepositoryListing/repositories(after:limit:)``.
  public func repositories(
    after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<RepositoryName> {
    var walk = RepositoryWalk(after: last, having: Layout.manifestsName, kept: repositoryDirectories)
    var page: [RepositoryName] = []
    while !walk.isOver {
      let (current, wanted) = (walk, limit - page.count + 1)
      let (next, found) = try await script { (tree) throws(FileError) -> (RepositoryWalk, [RepositoryName]) in
        var walk = current
        let found = try walk.advance(in: tree, directoriesMax: RepositoryWalk.directoriesPerScript, wanted: wanted)
        return (walk, found)
      }
      walk = next
      page += found
      if page.count > limit { return ListPage(elements: Array(page.prefix(limit)), hasMore: true) }
    }
    return ListPage(elements: page, hasMore: false)
  }
}

extension StoredTree {
  /// Whether a condition holds now.
  fileprivate func holds(
    _ condition: TagCondition, of tag: Tag, in repository: RepositoryName
  ) throws(FileError) -> Bool {
    func isThere(_ digest: Digest) throws(FileError) -> Bool {
      try link(layout.revision(digest, in: repository), named: digest) != nil
    }
    func pointsAt(_ digest: Digest) throws(FileError) -> Bool {
      try link(layout.current(tag, in: repository)) == digest
    }
    switch condition {
    case .nothing: return true
    case .hasManifest(let digest): return try isThere(digest)
    case .pointsAt(let digest): return try pointsAt(digest)
    case .dangles(let digest): return try pointsAt(digest) ? try !isThere(digest) : false
    }
  }

  /// The names of the repository's tags after `last` in byte order; nil when it never had a manifest.
  func tagNames(in repository: RepositoryName, after last: String?) throws(FileError) -> [String]? {
    guard let entries = try files.entries(layout.tags(in: repository)) else {
      return try files.status(layout.manifests(in: repository)) == nil ? nil : []
    }
    var names = entries.map(\.name)
    if let last { names.removeAll { $0 <= last } }
    names.sort()
    return names
  }
}
