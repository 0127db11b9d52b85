// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The shapes of the paths that are served.
enum PathShape: Sendable, Hashable, CaseIterable {
  /// `/`
  case root
  /// `/v2`
  case baseWithoutSlash
  /// `/v2/`
  case base
  /// `/v2/_catalog`
  case catalog
  /// `/v2/_token`
  case token
  /// `/v2/<name>/tags/list`
  case tags
  /// `/v2/<name>/manifests/<reference>`
  case manifest
  /// `/v2/<name>/blobs/<digest>`
  case blob
  /// `/v2/<name>/blobs/uploads/`
  case uploads
  /// `/v2/<name>/blobs/uploads/<uuid>`
  case upload
  /// `/v2/<name>/referrers/<digest>`
  case referrers

  /// The shape as documents write it.
  var pattern: String {
    switch self {
    case .root: "/"
    case .baseWithoutSlash: "/v2"
    case .base: "/v2/"
    case .catalog: "/v2/_catalog"
    case .token: "/v2/_token"
    case .tags: "/v2/<name>/tags/list"
    case .manifest: "/v2/<name>/manifests/<reference>"
    case .blob: "/v2/<name>/blobs/<digest>"
    case .uploads: "/v2/<name>/blobs/uploads/"
    case .upload: "/v2/<name>/blobs/uploads/<uuid>"
    case .referrers: "/v2/<name>/referrers/<digest>"
    }
  }
}
