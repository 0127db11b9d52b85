// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The requests that a push is made of, for one client and one repository.
struct Pushing {
  private let client: Client
  private let repository: String

  init(_ client: Client, _ repository: String) { (self.client, self.repository) = (client, repository) }

  private var scope: String { "repository:\(repository):pull,push" }

  private func request(
    _ method: String, _ path: String, _ fields: [(name: String, value: String)] = [], statuses: [Int]
  ) -> Request {
    Request(method, path, fields: fields, statuses: statuses, scope: scope, keepsHead: true)
  }

  /// Opens an upload; the path to go on with.
  func begin() async throws(LoadError) -> String {
    let post = request("POST", client.path("\(repository)/blobs/uploads/"), statuses: [202])
    try await client.send(post, .bytes([]))
    return try client.location(of: post)
  }

  /// Sends bytes of a blob to an upload that is at `from`; the path to go on with.
  func patch(_ path: String, _ blob: BlobData, from: Int, count: Int) async throws(LoadError) -> String {
    let patch = self.patch(path, from: from, count: count)
    try await client.send(patch, .blob(blob, from: from, count: count))
    return try client.location(of: patch)
  }

  /// Sends a PATCH of `count` bytes, of which only `cut` leave before the connection is cut.
  func cutPatch(_ path: String, _ blob: BlobData, from: Int, count: Int, after cut: Int) async throws(LoadError) {
    let patch = self.patch(path, from: from, count: count)
    try await client.connection.cut(
      patch, .blob(blob, from: from, count: count), authorization: client.authorizer.header(scope), after: cut)
  }

  private func patch(_ path: String, from: Int, count: Int) -> Request {
    request(
      "PATCH", path,
      [
        ("Content-Type", "application/octet-stream"), ("Content-Range", "\(from)-\(from + count - 1)"),
      ], statuses: [202])
  }

  /// How many bytes of an upload the server has, and the path to go on with.
  func status(_ path: String) async throws(LoadError) -> (bytes: Int, path: String) {
    let get = request("GET", path, statuses: [204])
    try await client.send(get)
    let range = client.connection.field("Range") ?? "0-0"
    guard range.hasPrefix("0-") || range.hasPrefix("bytes=0-"), let end = Int(range.split(separator: "-").last ?? ""),
      (0..<Int.max).contains(end)
    else { throw LoadError(.protocol, "\(get.description(at: client.site.endpoint.url)): Range \"\(range)\"") }
    // An empty upload and one of a single byte read alike; a push that is cut never stops at one byte.
    let bytes = end == 0 ? 0 : end + 1
    return (bytes, client.connection.field("Location") == nil ? path : try client.location(of: get))
  }

  /// Ends an upload with the rest of its bytes.
  func end(_ path: String, _ blob: BlobData, from: Int) async throws(LoadError) {
    let separator = path.contains("?") ? "&" : "?"
    let put = request(
      "PUT", "\(path)\(separator)digest=\(blob.name)", [("Content-Type", "application/octet-stream")], statuses: [201])
    let rest = blob.count - from
    try await client.send(put, rest == 0 ? .bytes([]) : .blob(blob, from: from, count: rest))
    acknowledge(blob.count)
  }

  private func acknowledge(_ bytes: Int) {
    client.lane.recorder.acknowledged(bytes, at: client.connection.ended)
  }

  /// Gives an upload up; whether the server still knew it.
  func cancel(_ path: String) async -> Bool {
    do throws(LoadError) {
      return try await client.send(request("DELETE", path, statuses: [200, 202, 204, 404, 405])) != 404
    } catch {
      client.connection.close()
      return false
    }
  }

  /// Pushes a blob in one PUT.
  func push(_ blob: BlobData) async throws(LoadError) {
    let path = try await begin()
    try await end(path, blob, from: 0)
  }

  /// Pushes a manifest.
  func push(manifest: [UInt8], as reference: String) async throws(LoadError) {
    let put = request(
      "PUT", client.path("\(repository)/manifests/\(reference)"), [("Content-Type", ImageData.mediaType)],
      statuses: [201])
    try await client.send(put, .bytes(manifest))
    acknowledge(manifest.count)
  }

  /// Pushes the blob where the target does not have it. A target of static files must have it.
  func ensure(_ blob: BlobData) async throws(LoadError) {
    if try await has("blobs/\(blob.name)", size: blob.count) { return }
    try await push(blob)
  }

  /// Pushes the image where the target does not have it under this tag.
  func ensure(_ image: ImageData, tag: String) async throws(LoadError) {
    let isStatic = client.site.target.isStatic
    if !isStatic {
      let head = request(
        "HEAD", client.path("\(repository)/manifests/\(tag)"), [("Accept", ImageData.mediaType)], statuses: [200, 404])
      if try await client.send(head) == 200,
        client.connection.field("Docker-Content-Digest") == image.manifestName
      {
        return
      }
    }
    for layer in image.layers { try await ensure(layer) }
    if !(try await has("blobs/\(image.configName)", size: image.config.count)) {
      let path = try await begin()
      let separator = path.contains("?") ? "&" : "?"
      let put = request(
        "PUT", "\(path)\(separator)digest=\(image.configName)", [("Content-Type", "application/octet-stream")],
        statuses: [201])
      try await client.send(put, .bytes(image.config))
      acknowledge(image.config.count)
    }
    if isStatic {
      _ = try await has("manifests/\(tag)", size: image.manifest.count)
    } else {
      try await push(manifest: image.manifest, as: tag)
    }
  }

  private func has(_ rest: String, size: Int) async throws(LoadError) -> Bool {
    let isStatic = client.site.target.isStatic
    let head = request("HEAD", client.path("\(repository)/\(rest)"), statuses: isStatic ? [200] : [200, 404])
    guard try await client.send(head) == 200 else { return false }
    if let text = client.connection.field("Content-Length"), let length = Int(text), length != size {
      throw LoadError(
        .protocol,
        "\(head.description(at: client.site.endpoint.url)): Content-Length \(length) instead of \(size)")
    }
    return true
  }
}
