// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The answer of end-12: an image index of the manifests that refer to a subject (OCI distribution-spec, "Listing
/// referrers").
public enum ReferrersIndex {
  /// One answer.
  public struct Page: Sendable, Hashable {
    /// The image index as JSON.
    public let body: [UInt8]
    /// How many descriptors it lists.
    public let count: Int
    /// When more follow: the last digest of this page, to ask for the next one with. Otherwise nil.
    public let last: Digest?
  }

  /// A page of `referrers`, in the order of their digests, each digest once.
  ///
  /// - Parameters:
  ///   - referrers: All of them, in any order.
  ///   - artifactType: When given, only those of exactly this type are listed.
  ///   - last: When given, only digests strictly after it are listed, whether or not it is itself among them.
  ///   - bytesMax: Longest body. A single descriptor that alone is longer still makes a page, so that paging ends.
  public static func page(
    of referrers: [Descriptor], artifactType: MediaType? = nil, after last: Digest? = nil, bytesMax: Int
  ) -> Page {
    var entries = referrers.filter { entry in
      (artifactType == nil || entry.artifactType == artifactType) && (last.map { entry.digest > $0 } ?? true)
    }
    entries.sort { $0.digest < $1.digest }
    var body = Array("{\"schemaVersion\":2,\"mediaType\":\"\(MediaType.ociIndex.text)\",\"manifests\":[".utf8)
    let tail = Array("]}".utf8)
    var listed: Digest?
    var count = 0
    for entry in entries where entry.digest != listed {
      let start = body.count
      if listed != nil { body.append(UInt8(ascii: ",")) }
      JSONText.append(entry.json, to: &body)
      if let listed, body.count + tail.count > bytesMax {
        body.removeSubrange(start...)
        return Page(body: body + tail, count: count, last: listed)
      }
      listed = entry.digest
      count += 1
    }
    return Page(body: body + tail, count: count, last: nil)
  }
}

extension Descriptor {
  /// The descriptor as JSON; annotations by name, so that equal descriptors make equal bytes.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("mediaType", .string(mediaType.text)), .init("digest", .string(digest.description)),
      .init("size", .integer(size)),
    ]
    if !urls.isEmpty { members.append(.init("urls", .array(urls.map { .string($0) }))) }
    if !annotations.isEmpty {
      let sorted = annotations.sorted { $0.key < $1.key }
      members.append(.init("annotations", .object(sorted.map { .init($0.key, .string($0.value)) })))
    }
    if let artifactType { members.append(.init("artifactType", .string(artifactType.text))) }
    if let platform { members.append(.init("platform", platform.json)) }
    if let data { members.append(.init("data", .string(data))) }
    return .object(members)
  }
}

extension Platform {
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("architecture", .string(architecture)), .init("os", .string(os)),
    ]
    if let osVersion { members.append(.init("os.version", .string(osVersion))) }
    if !osFeatures.isEmpty { members.append(.init("os.features", .array(osFeatures.map { .string($0) }))) }
    if let variant { members.append(.init("variant", .string(variant))) }
    return .object(members)
  }
}
