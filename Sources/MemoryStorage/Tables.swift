// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

/// Everything that is stored.
struct Tables {
  /// One link: what it names and which change made it.
  struct Link {
    var digest: Digest
    var version: UInt64
  }

  /// Where a link stands in its repository.
  enum Place: Hashable {
    case layer(Digest)
    case revision(Digest)
    case tag(Tag)

    /// Whether content is kept for a link that stands here. A tag may point at nothing.
    var holdsContent: Bool {
      switch self {
      case .layer, .revision: true
      case .tag: false
      }
    }
  }

  /// What a repository holds. Its presence in the table means nothing; see `hasManifests`.
  struct Repository {
    var layers: [Digest: Link] = [:]
    var revisions: [Digest: Link] = [:]
    var subjects: [Digest: Digest] = [:]
    var tags: [Tag: Link] = [:]
    /// Whether a manifest was pushed or a tag set, ever: on disk, the presence of `_manifests`.
    var hasManifests = false

    subscript(place: Place) -> Link? {
      get {
        switch place {
        case .layer(let digest): layers[digest]
        case .revision(let digest): revisions[digest]
        case .tag(let tag): tags[tag]
        }
      }
      set {
        switch place {
        case .layer(let digest): layers[digest] = newValue
        case .revision(let digest): revisions[digest] = newValue
        case .tag(let tag): tags[tag] = newValue
        }
      }
    }
  }

  /// Bytes, and how many links they are kept for.
  private struct Content {
    var bytes: [UInt8]
    var linkCount = 0
  }

  var room: Room
  var ingests: [IngestKey: Ingest] = [:]
  private(set) var repositories: [RepositoryName: Repository] = [:]
  private(set) var secrets: [String: [UInt8]] = [:]
  private var contents: [Digest: Content] = [:]
  private var lastChange: UInt64 = 0

  init(room: Room) {
    self.room = room
  }

  /// The content of this digest, if a repository links it.
  func content(_ digest: Digest) -> [UInt8]? { contents[digest]?.bytes }

  /// Whether a condition holds now.
  func holds(_ condition: TagCondition, of tag: Tag, in name: RepositoryName) -> Bool {
    let repository = repositories[name]
    let target = repository?.tags[tag]?.digest
    return switch condition {
    case .nothing: true
    case .hasManifest(let digest): repository?.revisions[digest] != nil
    case .pointsAt(let digest): target == digest
    case .dangles(let digest): target == digest && repository?.revisions[digest] == nil
    }
  }

  /// A number that no change had before.
  mutating func nextChange() -> UInt64 {
    lastChange += 1
    return lastChange
  }

  /// Makes links to `digest`, which has the content `bytes` where it has none yet; or does nothing, when there is no
  /// room for all of it besides the `spare` bytes that the caller gives back.
  mutating func link(
    _ places: [Place], to digest: Digest, holding bytes: [UInt8]? = nil, in name: RepositoryName,
    sparing spare: UInt64 = 0
  ) throws(StorageError) {
    let newPlaces = Set(places).count { repositories[name]?[$0] == nil }
    let newNames = newPlaces + (repositories[name] == nil ? 1 : 0)
    let newBytes = contents[digest] == nil ? bytes?.count ?? 0 : 0
    try room.take(UInt64(newNames) * Room.nameBytes + UInt64(newBytes), sparing: spare)
    if contents[digest] == nil, let bytes { contents[digest] = Content(bytes: bytes) }
    var repository = repositories.removeValue(forKey: name) ?? Repository()
    for place in places {
      if place.holdsContent, repository[place] == nil { contents[digest]?.linkCount += 1 }
      if place != .layer(digest) { repository.hasManifests = true }
      repository[place] = Link(digest: digest, version: nextChange())
    }
    repositories[name] = repository
  }

  /// Records the subject of a manifest.
  mutating func setSubject(_ subject: Digest?, of digest: Digest, in name: RepositoryName) {
    repositories[name]?.subjects[digest] = subject
  }

  /// Takes a link away, and content that it was the last to hold. False when there is none.
  mutating func unlink(_ place: Place, in name: RepositoryName) -> Bool {
    guard let link = repositories[name]?[place] else { return false }
    repositories[name]?[place] = nil
    room.give(Room.nameBytes)
    if place.holdsContent { letGo(of: link.digest) }
    // One that ever had a manifest is listed for good, as on disk.
    if let left = repositories[name], left.layers.isEmpty, !left.hasManifests {
      repositories[name] = nil
      room.give(Room.nameBytes)
    }
    return true
  }

  private mutating func letGo(of digest: Digest) {
    guard var content = contents.removeValue(forKey: digest) else { return }
    content.linkCount -= 1
    if content.linkCount > 0 {
      contents[digest] = content
    } else {
      room.give(UInt64(content.bytes.count))
    }
  }

  /// Ends a session, if it is there.
  mutating func dropIngest(_ key: IngestKey) {
    guard let ingest = ingests.removeValue(forKey: key) else { return }
    room.give(ingest.cost)
  }

  /// The secret of this name, which is `fresh` when there was none.
  mutating func secret(named name: String, fresh: [UInt8]) throws(StorageError) -> [UInt8] {
    if let kept = secrets[name] { return kept }
    try room.take(Room.nameBytes + UInt64(fresh.count))
    secrets[name] = fresh
    return fresh
  }
}

/// How much may be stored, and how much is.
struct Room {
  /// What an upload, a link, a repository or a secret counts besides its content: rather more than it takes, with the
  /// longest name.
  static let nameBytes: UInt64 = 512

  var bytesMax: UInt64
  private(set) var bytesUsed: UInt64 = 0

  init(bytesMax: UInt64) {
    self.bytesMax = bytesMax
  }

  /// Takes room for `count` bytes, or none. The caller gives `spare` bytes back after it: what does not grow has room.
  mutating func take(_ count: UInt64, sparing spare: UInt64 = 0) throws(StorageError) {
    let (needed, isTooMuch) = bytesUsed.addingReportingOverflow(count)
    guard count <= spare || (!isTooMuch && needed - spare <= bytesMax) else {
      throw .noSpace(FileError(.noSpace, operation: "store", path: "memory"))
    }
    bytesUsed = needed
  }

  /// Gives room back.
  mutating func give(_ count: UInt64) {
    bytesUsed -= count
  }
}
