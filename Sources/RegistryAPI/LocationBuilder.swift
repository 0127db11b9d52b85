// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryOCI

/// Builds the URLs that answers carry, as seen by the client: `http.host` if set; else paths if asked for; else what
/// the nearest proxy said in Forwarded, or in X-Forwarded-Proto and X-Forwarded-Host; else the connection and Host.
/// X-Forwarded-Port is ignored, as Distribution does.
struct LocationBuilder: Sendable, Hashable {
  /// What comes before `/v2/`: a URL or a path, without a slash at its end.
  let base: String

  init(settings: APISettings, head: RequestHead, isSecure: Bool) {
    let prefix = String(settings.prefix.dropLast())
    if let external = settings.externalURL {
      base = external
    } else if settings.usesRelativeURLs {
      base = prefix
    } else {
      var scheme = isSecure ? "https" : "http"
      var host = head.host
      if let forwarded = head.fieldText("forwarded") {
        // A malformed field says nothing; the connection's own scheme and host remain.
        let first = try? ForwardedElement(parsingFirst: forwarded)
        if let proto = first?.proto.flatMap(Self.scheme) { scheme = proto }
        if let name = first?.host, Self.isAuthority(name) { host = name }
      } else {
        if let proto = head.fieldText("x-forwarded-proto").map(ForwardedElement.firstOfList).flatMap(Self.scheme) {
          scheme = proto
        }
        if let name = head.fieldText("x-forwarded-host").map(ForwardedElement.firstOfList), Self.isAuthority(name) {
          host = name
        }
      }
      // HTTP/1.0 may come without a host: then a path is all that can be said.
      base = host.map { "\(scheme)://\($0)\(prefix)" } ?? prefix
    }
  }

  /// The path before `/v2/`, for Link fields, which are always paths.
  static func pathPrefix(_ settings: APISettings) -> String { String(settings.prefix.dropLast()) }

  var token: String { "\(base)/v2/_token" }

  func blob(_ digest: Digest, in name: RepositoryName) -> String { "\(base)/v2/\(name)/blobs/\(digest)" }

  func manifest(_ digest: Digest, in name: RepositoryName) -> String { "\(base)/v2/\(name)/manifests/\(digest)" }

  func upload(_ id: UploadID, in name: RepositoryName, state: String) -> String {
    "\(base)/v2/\(name)/blobs/uploads/\(id)?\(Query.encode(["_state": state]))"
  }

  private static func scheme(_ text: String) -> String? {
    let lowered = text.lowercased()
    return lowered == "http" || lowered == "https" ? lowered : nil
  }

  /// Whether a proxy's word can stand in a URL: nothing that would end the authority or the field.
  private static func isAuthority(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 255 else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
        true
      default: false
      }
    }
  }
}
