// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI

/// Where everything lies. The only file that puts paths together.
///
/// ```
/// <root>
/// ├── docker/registry/v2                                  Distribution's tree, byte for byte
/// │   ├── blobs/<alg>/<2 hex>/<hex>/data                  content of layers, configurations and manifests
/// │   └── repositories/<name>                             a name may nest; what begins with '_' is no name
/// │       ├── _layers/<alg>/<hex>/link                    the repository has the blob; text: a digest
/// │       ├── _manifests
/// │       │   ├── revisions/<alg>/<hex>/link              the repository has the manifest
/// │       │   └── tags/<tag>
/// │       │       ├── current/link                        where the tag points
/// │       │       └── index/<alg>/<hex>/link              every digest it ever pointed at
/// │       └── _uploads/<id>
/// │           ├── startedat                               RFC 3339, UTC, whole seconds
/// │           ├── data                                    the bytes so far; its advisory lock is the lease
/// │           └── hashstates/<alg>/<offset>               the digest's state at that offset, in Go's format
/// └── gantry                                              ours; Distribution never walks it
///     ├── secrets/<name>                                  mode 0600
///     ├── referrers/<name>/_subjects                      what manifests name as subject, remembered
///     ├── journal                                         what was acknowledged and is not synced in place yet
///     │   ├── append.lock                                 held by whoever appends
///     │   ├── checkpoint.lock                             held by whoever makes durable what old segments name
///     │   └── <number>-<nonce>.log                        a segment; later .closed, .suspect or .replayed
///     ├── staging/<process>/<number>                      content that the journal names, until its place is durable
///     └── temporary
///         ├── <process>.lock                              held as long as a process lives that writes
///         └── <process>-<number>                          a file on its way to its place
/// ```
/// A link holds the text of a digest without a newline.
struct Layout: Sendable {
  /// A file in a directory that may have to be made first.
  struct Place: Sendable, Hashable {
    /// The file.
    var file: String
    /// The directory it lies in.
    var directory: String
    /// The nearest directory above that nothing ever removes while registries run: once durable, it stays so.
    var lasting: String

    init(file: String, directory: String, lasting: String) {
      self.file = file
      self.directory = directory
      self.lasting = lasting
    }

    /// A file directly in a directory that stays.
    init(lasting directory: String, name: String) {
      self.init(file: Layout.entry(name, of: directory), directory: directory, lasting: directory)
    }
  }

  /// The directory that everything lies in.
  let root: String

  /// Lays out a storage below `root`; slashes at its end do not matter.
  init(root: String) {
    var root = root
    while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
  }

  // MARK: Distribution's tree

  private var tree: String { "\(root)/docker/registry/v2" }

  /// All content.
  var blobs: String { "\(tree)/blobs" }

  /// All repositories.
  var repositories: String { "\(tree)/repositories" }

  /// The content of a digest.
  func blob(_ digest: Digest) -> Place {
    let hex = digest.hex
    let shard = "\(blobs)/\(digest.algorithm.name)/\(hex.prefix(2))"
    return Place(file: "\(shard)/\(hex)/data", directory: "\(shard)/\(hex)", lasting: shard)
  }

  /// A repository's directory.
  func repository(_ name: RepositoryName) -> String { "\(repositories)/\(name)" }

  /// A directory below the repositories that may or may not be one itself.
  func repositoryDirectory(_ path: String) -> String { path.isEmpty ? repositories : "\(repositories)/\(path)" }

  /// The link of a blob into a repository.
  func layer(_ digest: Digest, in name: RepositoryName) -> Place {
    linkPlace(digest, below: "\(repository(name))/_layers/\(digest.algorithm.name)")
  }

  /// The link of a manifest into a repository.
  func revision(_ digest: Digest, in name: RepositoryName) -> Place {
    linkPlace(digest, below: revisions(digest.algorithm, in: name))
  }

  /// The directory whose names are the manifests of a repository, in hexadecimal.
  func revisions(_ algorithm: DigestAlgorithm, in name: RepositoryName) -> String {
    "\(repository(name))/_manifests/revisions/\(algorithm.name)"
  }

  /// What is there once a manifest was pushed to a repository, and makes it one of the catalog.
  func manifests(in name: RepositoryName) -> String { "\(repository(name))/\(Self.manifestsName)" }

  /// The directory whose names are the tags of a repository.
  func tags(in name: RepositoryName) -> String { "\(repository(name))/_manifests/tags" }

  /// Everything about one tag.
  func tag(_ tag: Tag, in name: RepositoryName) -> String { "\(tags(in: name))/\(tag)" }

  /// Where a tag points.
  func current(_ tag: Tag, in name: RepositoryName) -> Place {
    let directory = "\(self.tag(tag, in: name))/current"
    return Place(file: "\(directory)/link", directory: directory, lasting: tags(in: name))
  }

  /// That a tag pointed at a digest once.
  func index(_ tag: Tag, _ digest: Digest, in name: RepositoryName) -> Place {
    let directory = "\(self.tag(tag, in: name))/index/\(digest.algorithm.name)/\(digest.hex)"
    return Place(file: "\(directory)/link", directory: directory, lasting: tags(in: name))
  }

  private func linkPlace(_ digest: Digest, below directory: String) -> Place {
    let own = "\(directory)/\(digest.hex)"
    return Place(file: "\(own)/link", directory: own, lasting: directory)
  }

  // MARK: Uploads

  /// The directory whose names are the upload sessions of a repository.
  func uploads(in name: RepositoryName) -> String { "\(repository(name))/\(Self.uploadsName)" }

  /// One upload session.
  func upload(_ id: UploadID, in name: RepositoryName) -> UploadPlace {
    UploadPlace(directory: "\(uploads(in: name))/\(id)")
  }

  /// The name that makes a directory a repository of the catalog.
  static let manifestsName = "_manifests"
  /// The name of a directory of upload sessions.
  static let uploadsName = "_uploads"

  // MARK: Ours

  private var ours: String { "\(root)/gantry" }

  /// A secret of that name.
  ///
  /// - Precondition: the name is made of lower-case letters, digits and inner dashes.
  func secret(_ name: String) -> Place {
    let isSafe = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    precondition(isSafe && !name.isEmpty && name.utf8.count <= 64, "a secret has a plain name")
    return Place(file: "\(ours)/secrets/\(name)", directory: "\(ours)/secrets", lasting: "\(ours)/secrets")
  }

  /// What is remembered of the subjects of a repository's manifests.
  func subjects(of name: RepositoryName) -> Place {
    let directory = "\(ours)/referrers/\(name)"
    return Place(file: "\(directory)/_subjects", directory: directory, lasting: "\(ours)/referrers")
  }

  /// Files on their way.
  var temporary: String { "\(ours)/temporary" }

  /// A file on its way, of one process.
  func temporary(_ process: String, _ number: UInt64) -> String { "\(temporary)/\(process)-\(number)" }

  /// What a process holds locked while it lives.
  func processLock(_ process: String) -> String { "\(temporary)/\(process).lock" }

  /// Whose file a name in ``temporary`` is, and whether it is the lock.
  static func owner(ofTemporary name: String) -> (process: String, isLock: Bool)? {
    if name.hasSuffix(".lock") { return (String(name.dropLast(5)), true) }
    guard let dash = name.lastIndex(of: "-") else { return nil }
    return (String(name[..<dash]), false)
  }

  /// The name of a process: by the first half others know under which boot it lives, the other one is drawn.
  static func process(_ drawn: [UInt8], boot: String) -> String { bootTag(boot) + hex(drawn) }

  /// Whether that is the name of a process that was started under that boot.
  static func isProcess(_ text: String, of boot: String) -> Bool { text.hasPrefix(bootTag(boot)) }

  private static func bootTag(_ boot: String) -> String { hex(digest(Array(boot.utf8), .sha256).prefix(4)) }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Whether it can be the name that a process gave itself: 24 hexadecimal digits.
  static func isProcess(_ text: String) -> Bool { isHex(text, digits: 24) }

  private static func isHex(_ text: String, digits: Int) -> Bool {
    text.utf8.count == digits && text.utf8.allSatisfy { hexDigits.contains($0) }
  }

  private static let hexDigits = Set("0123456789abcdef".utf8)

  // MARK: The journal

  /// The directory of the journal's segments.
  var journal: String { "\(ours)/journal" }

  /// Held by whoever appends to the journal.
  var journalLock: String { "\(journal)/append.lock" }

  /// Held by whoever makes a checkpoint.
  var checkpointLock: String { "\(journal)/checkpoint.lock" }

  /// One segment of the journal: its number, its nonce, and what may happen to it.
  func segment(_ segment: JournalSegments.Segment) -> String {
    "\(journal)/\(Self.hex(segment.number))-\(Self.hex(segment.nonce)).\(segment.phase.rawValue)"
  }

  /// The segment that a name in ``journal`` stands for.
  static func segment(named name: String) -> JournalSegments.Segment? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let phase = JournalSegments.Segment.Phase(rawValue: parts[1]) else { return nil }
    let numbers = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard numbers.count == 2, numbers.allSatisfy({ isHex($0, digits: 16) }), let number = UInt64(numbers[0], radix: 16),
      let nonce = UInt64(numbers[1], radix: 16)
    else { return nil }
    return JournalSegments.Segment(number: number, nonce: nonce, phase: phase)
  }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The directories of content that the journal names, one for each process.
  var staging: String { "\(ours)/staging" }

  /// The content that a process has staged.
  func staging(_ process: String) -> String { "\(staging)/\(process)" }

  /// One file of them.
  func staged(_ content: StagedContent) -> String { "\(staging(content.process))/\(content.number)" }

  // MARK: Paths in general

  /// The directory that holds `path`.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The entry `name` of `directory`.
  static func entry(_ name: String, of directory: String) -> String { "\(directory)/\(name)" }

  /// The directories from below `ancestor` down to `directory`, in the order they are made.
  static func chain(from ancestor: String, to directory: String) -> [String] {
    var chain: [String] = []
    var current = directory
    while current != ancestor, current.utf8.count > ancestor.utf8.count {
      chain.append(current)
      current = parent(of: current)
    }
    return chain.reversed()
  }
}

/// The files of one upload session.
struct UploadPlace: Sendable, Hashable {
  /// The session's directory.
  var directory: String

  /// The bytes so far.
  var data: String { "\(directory)/data" }
  /// When it began.
  var startedAt: String { "\(directory)/startedat" }
  /// The directory whose names are algorithms.
  var hashStates: String { "\(directory)/hashstates" }

  /// The directory whose names are offsets.
  func hashStates(_ algorithm: DigestAlgorithm) -> String { "\(hashStates)/\(algorithm.name)" }

  /// The digest's state at an offset.
  func hashState(_ algorithm: DigestAlgorithm, at offset: UInt64) -> String { "\(hashStates(algorithm))/\(offset)" }
}
