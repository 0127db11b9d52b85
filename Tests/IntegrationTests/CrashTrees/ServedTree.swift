// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc

/// A tree in Distribution's layout, read as a registry that serves it would; the product's code has no part in it.
struct ServedTree {
  /// What a request for something would get.
  enum Sight: Hashable, CustomStringConvertible {
    case absent
    /// Content that has the digest.
    case whole(String)
    /// A link that holds no digest: Gantry takes it as absent, Distribution fails.
    case tornLink(bytes: Int)
    /// Content that is not what its digest says.
    case tornContent(bytes: Int)

    var description: String {
      switch self {
      case .absent: "absent"
      case .whole(let digest): "\(digest.prefix(19))"
      case .tornLink(let bytes): "a torn link of \(bytes) bytes"
      case .tornContent(let bytes): "torn content of \(bytes) bytes"
      }
    }
  }

  private let files: [String: [UInt8]?]
  private let base: String
  private let known: [String: [UInt8]]

  /// `known` are the contents that were pushed, by digest.
  init(_ disk: SimulatedDisk, root: String, known: [String: [UInt8]]) {
    files = disk.tree
    base = "\(root)/docker/registry/v2"
    self.known = known
  }

  /// What a GET of the target gets.
  func sight(of target: Target) -> Sight {
    let repository = "\(base)/repositories/\(target.repository)"
    switch target.kind {
    case .blob: return linked("\(repository)/_layers/", target.reference)
    case .manifest: return linked("\(repository)/_manifests/revisions/", target.reference)
    case .tag:
      switch link("\(repository)/_manifests/tags/\(target.reference)/current/link") {
      case .whole(let digest): return linked("\(repository)/_manifests/revisions/", digest)
      case let other: return other
      }
    }
  }

  /// Every file that is wrong whoever asks: torn content, and links to what is missing.
  func wrongs() -> [String] {
    files.compactMap { path, bytes in
      guard bytes != nil, path.hasSuffix("/link"), case .whole(let digest) = link(path) else { return nil }
      switch content(digest) {
      case .absent: return "\(path) refers to what is missing"
      case .tornContent(let count): return "\(path) refers to torn content of \(count) bytes"
      case .tornLink, .whole: return nil
      }
    }
  }

  private func linked(_ links: String, _ digest: String) -> Sight {
    guard let colon = digest.firstIndex(of: ":") else { return .absent }
    let sight = link("\(links)\(digest[..<colon])/\(digest[digest.index(after: colon)...])/link")
    guard case .whole(let content) = sight else { return sight }
    return self.content(content)
  }

  private func link(_ path: String) -> Sight {
    guard let bytes = files[path] ?? nil else { return .absent }
    let text = String(decoding: bytes, as: UTF8.self)
    if known[text] != nil { return .whole(text) }
    let isDigest = Algorithm.allCases.contains {
      text.hasPrefix("\($0.rawValue):") && text.utf8.count == $0.rawValue.utf8.count + 1 + $0.hexLength
    }
    // A file that grew without its contents is full of zeros.
    return isDigest && !bytes.contains(0) ? .whole(text) : .tornLink(bytes: bytes.count)
  }

  private func content(_ digest: String) -> Sight {
    guard let colon = digest.firstIndex(of: ":") else { return .absent }
    let hex = digest[digest.index(after: colon)...]
    guard let bytes = files["\(base)/blobs/\(digest[..<colon])/\(hex.prefix(2))/\(hex)/data"] ?? nil else {
      return .absent
    }
    let isWhole: Bool
    if let known = known[digest] {
      // memcmp, because this is asked millions of times in a debug build.
      isWhole = known.count == bytes.count && memcmp(known, bytes, bytes.count) == 0
    } else {
      isWhole = (digest.hasPrefix("sha512") ? Algorithm.sha512 : .sha256).digest(bytes) == digest
    }
    return isWhole ? .whole(digest) : .tornContent(bytes: bytes.count)
  }
}
