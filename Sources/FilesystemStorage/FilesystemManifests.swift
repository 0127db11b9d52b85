// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage
import GantryWorld

extension FilesystemStorage {
  /// See ``ManifestStoring/manifest(_:in:)``. The content is compared with its digest: a torn one is reported and taken
  /// as absent, never served.
  public func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    try await script { (tree) throws(FileError) -> [UInt8]? in try tree.manifest(digest, in: repository) }
  }

  /// See ``ManifestStoring/watch(manifest:in:)``.
  public func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    watch(tree.layout.revision(digest, in: repository))
  }

  /// See ``ManifestStoring/hasManifest(_:in:)``.
  public func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await script { (tree) throws(FileError) -> Bool in
      try tree.link(tree.layout.revision(digest, in: repository), named: digest) != nil
    }
  }

  /// See ``ManifestStoring/putManifest(_:digest:subject:tags:in:)``. One step of the journal, and so one sync.
  public func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    let staging = journal.staging
    let content = try await script { (tree) throws(FileError) -> JournalContent in
      if bytes.count > JournalContent.inlineBytesMax { return .staged(try staging.stage(bytes)) }
      return .inline(bytes)
    }
    let records =
      [.manifest(digest, content, in: repository)] + tags.map { JournalRecord.tag($0, digest, in: repository) }
    try await change(Journal.Change(records))
    memory.note(digest, subject: subject, in: repository)
  }

  /// See ``ManifestStoring/removeManifest(_:in:)``. Removes the link file and leaves its directory, as Distribution
  /// does.
  public func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await remove(tree.layout.revision(digest, in: repository), .noManifest(digest, in: repository))
  }
}

extension StoredTree {
  /// Manifests are at most 4 MiB when they are pushed, here and in Distribution; more than this is no manifest.
  static let manifestBytesMax: UInt64 = 32 << 20

  /// The manifest's bytes, or nil when it is missing or torn.
  func manifest(_ digest: Digest, in repository: RepositoryName) throws(FileError) -> [UInt8]? {
    guard let content = try link(layout.revision(digest, in: repository), named: digest) else { return nil }
    guard let (file, size) = try self.content(content) else {
      report("\(repository) has the manifest \(digest), whose content is missing")
      return nil
    }
    guard size <= Self.manifestBytesMax else {
      report("the manifest \(digest) of \(repository) has \(size) bytes and is taken as absent")
      return nil
    }
    let bytes = try file.read(Int(size), at: 0)
    guard Digest(of: bytes, content.algorithm) == content else {
      report("the content \(layout.blob(content).file) is damaged and taken as absent: it has another digest")
      return nil
    }
    return bytes
  }
}
