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
