// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryOCI

/// Finds the shape of a path. Matches from the tail, because names of repositories contain slashes and may contain
/// any of the fixed words.
struct PathMatcher: Sendable {
  /// What a path names: not yet judged, only parted and decoded.
  struct Match: Sendable, Hashable {
    let shape: PathShape
    /// The repository's name, for shapes that have one.
    var name = ""
    /// The last part: a reference, a digest or an upload's id.
    var tail = ""
  }

  /// The segments before `v2`.
  private let prefix: [String]

  /// A matcher for paths below `prefix`, which has a slash at both ends.
  init(prefix: String) {
    self.prefix = prefix.split(separator: "/").map(String.init)
  }

  /// The match of a path as it was sent, or nil when nothing is served there.
  ///
  /// A path that another reader (a proxy in front, a file system behind) could take for another one is refused, not
  /// repaired: encoded slashes, NUL and control bytes, dot segments, backslashes, double slashes.
  func match(_ path: ArraySlice<UInt8>) throws(Refusal) -> Match? {
    let target: RequestTarget
    do { target = try RequestTarget(parsing: path) } catch { throw Refusal(.nameInvalid, reason: error.reason) }
    guard target.segments != [""] else { return Match(shape: .root) }
    guard target.segments.starts(with: prefix) else { return nil }
    let segments = target.segments[prefix.count...]
    guard segments.first == "v2" else { return nil }
    if let hazard = Self.text(of: target.hazards) {
      throw Refusal(.nameInvalid, reason: "the path has \(hazard)")
    }
    return match(below: segments.dropFirst())
  }

  private func match(below segments: ArraySlice<String>) -> Match? {
    guard let last = segments.last else { return Match(shape: .baseWithoutSlash) }
    if segments.count == 1 {
      switch last {
      case "": return Match(shape: .base)
      case "_catalog": return Match(shape: .catalog)
      case "_token": return Match(shape: .token)
      default: return nil
      }
    }
    let parent = segments[segments.endIndex - 2]
    let name = segments.dropLast(2)
    if segments.count >= 4, parent == "uploads", segments[segments.endIndex - 3] == "blobs" {
      let name = segments.dropLast(3).joined(separator: "/")
      return last.isEmpty ? Match(shape: .uploads, name: name) : Match(shape: .upload, name: name, tail: last)
    }
    guard !name.isEmpty, !last.isEmpty else { return nil }
    let shape: PathShape
    switch (parent, last) {
    case ("tags", "list"): return Match(shape: .tags, name: name.joined(separator: "/"))
    // Without its slash it can be nothing else: "uploads" is no digest.
    case ("blobs", "uploads"): return Match(shape: .uploads, name: name.joined(separator: "/"))
    case ("blobs", _): shape = .blob
    case ("manifests", _): shape = .manifest
    case ("referrers", _): shape = .referrers
    default: return nil
    }
    return Match(shape: shape, name: name.joined(separator: "/"), tail: last)
  }

  private static func text(of hazards: RequestTarget.Hazards) -> String? {
    if hazards.contains(.encodedSlash) { return "an encoded slash" }
    if hazards.contains(.nul) { return "an encoded NUL" }
    if hazards.contains(.dotSegment) { return "a segment '.' or '..'" }
    if hazards.contains(.control) { return "an encoded control character" }
    if hazards.contains(.backslash) { return "a backslash" }
    if hazards.contains(.emptySegment) { return "two slashes in a row" }
    return nil
  }
}
