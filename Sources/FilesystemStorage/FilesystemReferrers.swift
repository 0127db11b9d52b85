// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage
import GantryWorld
import Synchronization

extension FilesystemStorage {
  /// See ``ReferrerListing/referrers(of:in:subjectOf:)``.
  ///
  /// What is remembered is which subject a manifest names. That never changes, because the digest fixes the bytes, so
  /// the memory may be incomplete but is never wrong: each request reads the names of the repository's revisions, opens
  /// those that are not remembered yet (pushed by another registry, or after a crash), and looks at the links of those
  /// that it names.
  public func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest] {
    var subjects: ManifestSubjects
    if let known = memory.subjects(of: repository) {
      subjects = known
    } else {
      subjects = try await script { (tree) throws(FileError) in try tree.rememberedSubjects(of: repository) }
    }
    let remembered = subjects
    let unknown = try await script { (tree) throws(FileError) -> [Digest] in
      try tree.revisionNames(in: repository).filter { !remembered.known.contains($0) }
    }
    for start in stride(from: 0, to: unknown.count, by: Self.manifestsPerScript) {
      let some = unknown[start..<min(start + Self.manifestsPerScript, unknown.count)]
      let learnt = try await script { (tree) throws(FileError) -> [(Digest, Digest?)] in
        var learnt: [(Digest, Digest?)] = []
        for digest in some {
          // A revision that was deleted keeps its directory; without a manifest nothing is learnt of it.
          guard let bytes = try tree.manifest(digest, in: repository) else { continue }
          learnt.append((digest, subjectOf(bytes)))
        }
        return learnt
      }
      for (digest, named) in learnt { subjects.learn(digest, subject: named) }
    }
    memory.keep(subjects, of: repository)
    let candidates = (subjects.referrers[subject] ?? []).sorted()
    let learnt = subjects
    return try await script { (tree) throws(FileError) -> [Digest] in
      tree.remember(learnt, before: remembered, of: repository)
      var referrers: [Digest] = []
      for candidate in candidates
      where try tree.link(tree.layout.revision(candidate, in: repository), named: candidate) != nil {
        referrers.append(candidate)
      }
      return referrers
    }
  }

  /// How many manifests one script reads at most.
  private static let manifestsPerScript = 128
}

/// Which subjects the manifests of one repository name, as far as they were read.
struct ManifestSubjects: Sendable {
  /// The manifests that were read.
  private(set) var known: Set<Digest> = []
  /// The manifests that name a subject, by it.
  private(set) var referrers: [Digest: [Digest]] = [:]

  /// Takes in what a manifest names; nothing changes when it is known.
  mutating func learn(_ manifest: Digest, subject: Digest?) {
    guard known.insert(manifest).inserted, let subject else { return }
    referrers[subject, default: []].append(manifest)
  }
}

/// The subjects of the repositories asked for lately: bounded, and kept on disk too.
///
/// Isolation: safe from everywhere; one lock.
final class ReferrersMemory: Sendable {
  private struct Table {
    var repositories: [RepositoryName: ManifestSubjects] = [:]
    var order: [RepositoryName] = []
    var manifestCount = 0
  }

  /// At about 100 bytes a manifest, some megabytes in all.
  private static let manifestsMax = 50_000

  private let table = Mutex(Table())

  /// What is known of a repository, or nil when nothing is at hand.
  func subjects(of repository: RepositoryName) -> ManifestSubjects? {
    table.withLock { $0.repositories[repository] }
  }

  /// Takes in what was learnt; forgets the repositories kept longest when there is too much.
  func keep(_ subjects: ManifestSubjects, of repository: RepositoryName) {
    table.withLock { table in
      guard subjects.known.count <= Self.manifestsMax else { return }
      Self.forget(repository, in: &table)
      table.repositories[repository] = subjects
      table.order.append(repository)
      table.manifestCount += subjects.known.count
      while table.manifestCount > Self.manifestsMax, let oldest = table.order.first { Self.forget(oldest, in: &table) }
    }
  }

  /// Takes in a manifest that was just stored, when its repository is at hand.
  func note(_ manifest: Digest, subject: Digest?, in repository: RepositoryName) {
    table.withLock { table in
      guard let before = table.repositories[repository]?.known.count else { return }
      table.repositories[repository]?.learn(manifest, subject: subject)
      table.manifestCount += (table.repositories[repository]?.known.count ?? before) - before
    }
  }

  private static func forget(_ repository: RepositoryName, in table: inout Table) {
    guard let held = table.repositories.removeValue(forKey: repository) else { return }
    table.manifestCount -= held.known.count
    table.order.removeAll { $0 == repository }
  }
}

extension StoredTree {
  private static let subjectsBytesMax: UInt64 = 64 << 20

  /// The manifests whose revision directories the repository has; whether their links are there is another question.
  func revisionNames(in repository: RepositoryName) throws(FileError) -> [Digest] {
    var digests: [Digest] = []
    for algorithm in DigestAlgorithm.allCases {
      for entry in try files.entries(layout.revisions(algorithm, in: repository)) ?? [] {
        // What is no digest was not put there by a registry.
        guard let digest = try? Digest(parsing: "\(algorithm.name):\(entry.name)") else { continue }
        digests.append(digest)
      }
    }
    return digests
  }

  /// What the disk remembers of a repository's subjects; nothing when the file is missing or not whole.
  ///
  /// Each line holds a manifest and its subject or `-`; the last one the digest of all before it.
  func rememberedSubjects(of repository: RepositoryName) throws(FileError) -> ManifestSubjects {
    var subjects = ManifestSubjects()
    let path = layout.subjects(of: repository).file
    guard let size = try files.status(path)?.size, size <= Self.subjectsBytesMax,
      let bytes = try contents(of: path, atMost: Int(size))
    else { return subjects }
    let end = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let seal = "\(Digest(of: Array(bytes[..<end]), .sha256))\n"
    guard Array(bytes[end...]) == Array(seal.utf8) else { return subjects }
    for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      // A line that does not parse is one that is not remembered.
      guard words.count == 2, let manifest = try? Digest(parsing: words[0]) else { continue }
      if words[1] == "-" {
        subjects.learn(manifest, subject: nil)
      } else if let subject = try? Digest(parsing: words[1]) {  // as above
        subjects.learn(manifest, subject: subject)
      }
    }
    return subjects
  }

  /// Keeps what was learnt for the next process, when it is enough to be worth the write. Failures cost only time
  /// later.
  func remember(_ subjects: ManifestSubjects, before: ManifestSubjects, of repository: RepositoryName) {
    let learnt = subjects.known.count - before.known.count
    guard learnt >= max(16, before.known.count / 8) else { return }
    var bytes: [UInt8] = []
    var plain = subjects.known
    for (subject, manifests) in subjects.referrers {
      for manifest in manifests {
        plain.remove(manifest)
        bytes += "\(manifest) \(subject)\n".utf8
      }
    }
    for manifest in plain { bytes += "\(manifest) -\n".utf8 }
    bytes += "\(Digest(of: bytes, .sha256))\n".utf8
    // Nothing is lost but the time to read the manifests again.
    try? commit.write(bytes, to: layout.subjects(of: repository), synced: false)
  }
}
