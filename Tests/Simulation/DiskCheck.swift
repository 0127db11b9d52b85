// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryTestKit

/// Reads Distribution's tree as another registry would, and says what is wrong with it.
struct DiskCheck {
  private static let tree = "/registry/docker/registry/v2"
  private let files: [String: [UInt8]?]

  init(_ disk: SimulatedDisk) {
    files = disk.tree
  }

  /// What is wrong: links to content that is missing or has another digest, tags of manifests that are not there. After
  /// a clean stop, what is left in the journal, too: another registry would not look there.
  func findings(isStopped: Bool = false) -> [String] {
    var found: [String] = []
    for path in files.keys.sorted() where isStopped && path.hasPrefix("/registry/gantry/journal/") {
      if !path.hasSuffix(".lock") { found.append("\(path) is left after a clean stop") }
    }
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
      guard let bytes, path.hasPrefix("\(Self.tree)/repositories/"), path.hasSuffix("/link") else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      if path.contains("/_layers/") || path.contains("/_manifests/revisions/") {
        if let fault = contentFault(text) { found.append("\(path): \(fault)") }
      } else if path.hasSuffix("/current/link") {
        guard let at = path.firstRange(of: "/tags/")?.lowerBound, let digest = try? Digest(parsing: text) else {
          found.append("\(path): a torn link")
          continue
        }
        let revision = "\(path[..<at])/revisions/\(digest.algorithm.name)/\(digest.hex)/link"
        if files[revision] == nil { found.append("\(path): its manifest \(text.prefix(15)) is not there") }
      } else if path.contains("/index/"), (try? Digest(parsing: text)) == nil {
        // Distribution's collection of garbage stops at such a link.
        found.append("\(path): a torn link")
      }
    }
    return found
  }

  private func contentFault(_ text: String) -> String? {
    // A link of a crash is what is looked for here; what it holds is told.
    guard let digest = try? Digest(parsing: text) else { return "a torn link: \(text.utf8.count) bytes" }
    let path = "\(Self.tree)/blobs/\(digest.algorithm.name)/\(digest.hex.prefix(2))/\(digest.hex)/data"
    guard let content = files[path] ?? nil else { return "its content is missing" }
    let function: DigestFunction = digest.algorithm == .sha256 ? .sha256 : .sha512
    let actual = Digest(algorithm: digest.algorithm, bytes: GantryCryptography.digest(content, function))
    return actual == digest ? nil : "its content has another digest"
  }
}
