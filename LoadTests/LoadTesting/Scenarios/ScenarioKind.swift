// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a scenario does.
public enum ScenarioKind: String, Sendable, CaseIterable {
  /// GET of manifests, by tag, by digest or by turns.
  case manifestGet = "manifest-get"
  /// HEAD of manifests.
  case manifestHead = "manifest-head"
  /// GET of blobs of one size.
  case blobGet = "blob-get"
  /// GET of one path as it is, for servers that are no registries.
  case get
  /// Pull of whole images: the manifest, then configuration and layers over parallel connections, as docker does it.
  case imagePull = "image-pull"
  /// The same by clients that all begin at once with new connections.
  case herd
  /// Push of blobs in one PUT.
  case push
  /// Push of blobs in PATCHes of one size.
  case pushChunked = "push-chunked"
  /// Push of blobs whose connection is cut at random points, and which go on from where the server is.
  case pushResumed = "push-resumed"
  /// Push of whole images: layers, configuration, manifest.
  case imagePush = "image-push"
  /// PUT of a manifest under tag after tag.
  case retag
  /// The list of a repository's tags, whole or by pages.
  case tagList = "tag-list"
  /// Pages of the catalog.
  case catalog
  /// Uploads that are opened and left open.
  case openUploads = "open-uploads"
  /// Connections that are kept and not used.
  case idleConnections = "idle-connections"
  /// Several kinds at once, each with its weight.
  case mixed

  /// What it does, in one line.
  public var summary: String {
    switch self {
    case .manifestGet: "GET of manifests by tag, by digest or both (by, count, manifest-size)"
    case .manifestHead: "HEAD of manifests (as manifest-get)"
    case .blobGet: "GET of blobs of one size (size, count)"
    case .get: "GET of one path as it is (path)"
    case .imagePull: "pull of whole images over parallel connections, as docker does it (layers, size, parallel)"
    case .herd: "the same by clients that all begin at once with new connections"
    case .push: "push of blobs in one PUT (size); with a small size, many small blobs"
    case .pushChunked: "push of blobs in PATCHes (size, chunk)"
    case .pushResumed: "push with connections cut at random points, resumed from where the server is (cuts)"
    case .imagePush: "push of whole images (layers, size)"
    case .retag: "PUT of a manifest under tag after tag (tags, repositories)"
    case .tagList: "the tag list of a large repository, whole or by pages (tags, page)"
    case .catalog: "pages of the catalog (repositories, page)"
    case .openUploads: "uploads that are opened and left open; measures memory (count)"
    case .idleConnections: "connections that are kept and not used; measures memory (clients)"
    case .mixed: "several kinds at once, each with a weight (mix)"
    }
  }

  /// Whether the measured figure is bytes per second; otherwise it is operations per second.
  public var countsBytes: Bool {
    switch self {
    case .push, .pushChunked, .pushResumed, .imagePush, .imagePull, .herd: true
    default: false
    }
  }

  /// Whether the process's memory at the end is what is measured.
  public var holds: Bool { self == .openUploads || self == .idleConnections }
}
