// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

/// One acknowledged change of the tree, in words of the registry: what has to be there, or gone, after a power cut.
///
/// Each can be applied any number of times; applied in the order of the journal, the last one decides.
enum JournalRecord: Sendable, Equatable {
  /// The repository has the blob.
  case blob(Digest, JournalContent, in: RepositoryName)
  /// The repository has a blob that is there already; the link names `content`.
  case layer(Digest, content: Digest, in: RepositoryName)
  /// The repository has the manifest.
  case manifest(Digest, JournalContent, in: RepositoryName)
  /// The tag points at the manifest.
  case tag(Tag, Digest, in: RepositoryName)
  /// The repository does not have the blob any more.
  case noLayer(Digest, in: RepositoryName)
  /// The repository does not have the manifest any more.
  case noManifest(Digest, in: RepositoryName)
  /// The tag is gone.
  case noTag(Tag, in: RepositoryName)

  /// The content that comes with it.
  var content: JournalContent? {
    switch self {
    case .blob(_, let content, _), .manifest(_, let content, _): content
    case .layer, .tag, .noLayer, .noManifest, .noTag: nil
    }
  }
}

extension JournalRecord {
  /// Whether it only takes something away.
  var isRemoval: Bool {
    switch self {
    case .blob, .layer, .manifest, .tag: false
    case .noLayer, .noManifest, .noTag: true
    }
  }
}

/// Where a record's content is.
enum JournalContent: Sendable, Equatable {
  /// In the record itself.
  case inline([UInt8])
  /// In a file of its own, durable in contents, which waits in the staging directory.
  case staged(StagedContent)
  /// At its place, put there by an earlier record or before there was a journal.
  case present

  /// Up to so many bytes go into the record: one sync for all of it. Above, a file of its own costs less than writing
  /// the bytes twice.
  static let inlineBytesMax: UInt64 = 64 << 10
}

/// A file in the staging directory of one process.
struct StagedContent: Sendable, Equatable {
  var process: String
  var number: UInt64
  /// In bytes.
  var size: UInt64
  /// How many syncs of the staging directory had failed when the name was made: after another one the name may be lost.
  /// Of no meaning in a journal that is read.
  var failuresBefore: UInt64 = 0
}

extension JournalRecord {
  private enum Kind: UInt8 {
    case blob = 1
    case layer = 2
    case manifest = 3
    case tag = 4
    case noLayer = 5
    case noManifest = 6
    case noTag = 7
  }

  private enum ContentKind: UInt8 {
    case inline = 1
    case staged = 2
    case present = 3
  }

  /// Appends its form in the journal.
  func write(to bytes: inout JournalBytes) {
    switch self {
    case .blob(let digest, let content, let name):
      bytes.append(Kind.blob.rawValue)
      bytes.append(text: "\(name)", "\(digest)")
      Self.write(content, to: &bytes)
    case .manifest(let digest, let content, let name):
      bytes.append(Kind.manifest.rawValue)
      bytes.append(text: "\(name)", "\(digest)")
      Self.write(content, to: &bytes)
    case .layer(let digest, let content, let name):
      bytes.append(Kind.layer.rawValue)
      bytes.append(text: "\(name)", "\(digest)", "\(content)")
    case .tag(let tag, let digest, let name):
      bytes.append(Kind.tag.rawValue)
      bytes.append(text: "\(name)", "\(tag)", "\(digest)")
    case .noLayer(let digest, let name):
      bytes.append(Kind.noLayer.rawValue)
      bytes.append(text: "\(name)", "\(digest)")
    case .noManifest(let digest, let name):
      bytes.append(Kind.noManifest.rawValue)
      bytes.append(text: "\(name)", "\(digest)")
    case .noTag(let tag, let name):
      bytes.append(Kind.noTag.rawValue)
      bytes.append(text: "\(name)", "\(tag)")
    }
  }

  private static func write(_ content: JournalContent, to bytes: inout JournalBytes) {
    switch content {
    case .inline(let content):
      bytes.append(ContentKind.inline.rawValue)
      bytes.append(block: content)
    case .staged(let staged):
      bytes.append(ContentKind.staged.rawValue)
      bytes.append(text: staged.process)
      bytes.append(number: staged.number)
      bytes.append(number: staged.size)
    case .present:
      bytes.append(ContentKind.present.rawValue)
    }
  }

  /// Reads what ``write(to:)`` wrote; nil when it is none of ours.
  init?(reading bytes: inout JournalBytes.Reader) {
    guard let kind = bytes.byte().flatMap(Kind.init(rawValue:)), let name = bytes.repository() else { return nil }
    switch kind {
    case .blob, .manifest:
      guard let digest = bytes.digest(), let content = Self.readContent(&bytes) else { return nil }
      self = kind == .blob ? .blob(digest, content, in: name) : .manifest(digest, content, in: name)
    case .layer:
      guard let digest = bytes.digest(), let content = bytes.digest() else { return nil }
      self = .layer(digest, content: content, in: name)
    case .tag:
      guard let tag = bytes.tag(), let digest = bytes.digest() else { return nil }
      self = .tag(tag, digest, in: name)
    case .noLayer, .noManifest:
      guard let digest = bytes.digest() else { return nil }
      self = kind == .noLayer ? .noLayer(digest, in: name) : .noManifest(digest, in: name)
    case .noTag:
      guard let tag = bytes.tag() else { return nil }
      self = .noTag(tag, in: name)
    }
  }

  private static func readContent(_ bytes: inout JournalBytes.Reader) -> JournalContent? {
    switch bytes.byte().flatMap(ContentKind.init(rawValue:)) {
    case .inline: return bytes.block().map { .inline($0) }
    case .staged:
      guard let process = bytes.text(), Layout.isProcess(process), let number = bytes.number(),
        let size = bytes.number()
      else { return nil }
      return .staged(StagedContent(process: process, number: number, size: size))
    case .present: return .present
    case nil: return nil
    }
  }
}

extension JournalBytes.Reader {
  // What does not parse was not written by us: nil, and the frame counts as damaged.
  fileprivate mutating func repository() -> RepositoryName? { text().flatMap { try? RepositoryName(parsing: $0) } }

  // As above.
  fileprivate mutating func digest() -> Digest? { text().flatMap { try? Digest(parsing: $0) } }

  // As above.
  fileprivate mutating func tag() -> Tag? { text().flatMap { try? Tag(parsing: $0) } }
}
