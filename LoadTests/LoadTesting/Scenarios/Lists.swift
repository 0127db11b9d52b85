// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The list of a repository's tags.
struct TagList: Activity {
  private let spec: ScenarioSpec
  private let image: ImageData

  private let truth: ListTruth?

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    truth = spec.verify ? ListTruth(key: "tags", prefix: Self.prefix, count: spec.tags, isCatalog: false) : nil
    image = ImageData(number: 1 << 22, seed: seed, layers: [], manifestBytes: 0)
  }

  private var repository: String { spec.repository }

  private static let prefix = "tag-"
  static func tag(_ number: Int) -> String { prefix + Padded.text(number) }

  /// Pushes the tags that are missing; a repository that has the last one has them all. One that has more of them than
  /// that cannot be verified.
  func prepare(_ client: Client) async throws(LoadError) {
    if client.site.target.isStatic { return }
    if spec.verify, try await client.hasManifest(repository, Self.tag(spec.tags)) {
      throw LoadError(
        .protocol,
        "\(repository) has more than the \(spec.tags) tags of this list, from another run: name another repository")
    }
    if try await client.hasManifest(repository, Self.tag(spec.tags - 1)) { return }
    let pushing = Pushing(client, repository)
    try await pushing.ensure(image, tag: Self.tag(0))
    for number in 1..<max(1, spec.tags) { try await pushing.push(manifest: image.manifest, as: Self.tag(number)) }
  }

  func contents() -> [ContentPiece] { image.contents(repository, tags: (0..<spec.tags).map(Self.tag)) }

  func worker(_ client: Client) -> any Worker {
    PageWorker(client, spec, truth, path: "\(repository)/tags/list", scope: "repository:\(repository):pull") { number in
      Self.tag(number)
    }
  }
}

/// Pages of the catalog.
struct Catalog: Activity {
  private let spec: ScenarioSpec
  private let image: ImageData

  private let truth: ListTruth?

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    truth =
      spec.verify
      ? ListTruth(key: "repositories", prefix: "\(spec.repository)-", count: spec.repositories, isCatalog: true) : nil
    image = ImageData(number: 1 << 23, seed: seed, layers: [], manifestBytes: 0)
  }

  static func name(_ prefix: String, _ number: Int) -> String { "\(prefix)-\(Padded.text(number))" }

  func prepare(_ client: Client) async throws(LoadError) {
    if client.site.target.isStatic { return }
    if spec.verify, try await client.hasManifest(Self.name(spec.repository, spec.repositories), "latest") {
      throw LoadError(
        .protocol,
        "there are more than \(spec.repositories) repositories \(spec.repository)-..., from another run: name another")
    }
    if try await client.hasManifest(Self.name(spec.repository, spec.repositories - 1), "latest") { return }
    for number in 0..<spec.repositories {
      try await Pushing(client, Self.name(spec.repository, number)).ensure(image, tag: "latest")
    }
  }

  func contents() -> [ContentPiece] {
    (0..<spec.repositories).flatMap { image.contents(Self.name(spec.repository, $0), tags: ["latest"]) }
  }

  func worker(_ client: Client) -> any Worker {
    PageWorker(client, spec, truth, path: "_catalog", scope: "registry:catalog:*") { [spec] number in
      Self.name(spec.repository, number % max(1, spec.repositories))
    }
  }
}

extension Client {
  /// Whether the target has a manifest.
  fileprivate func hasManifest(_ repository: String, _ reference: String) async throws(LoadError) -> Bool {
    let head = Request(
      "HEAD", path("\(repository)/manifests/\(reference)"), fields: [("Accept", ImageData.mediaType)],
      statuses: [200, 404], scope: "repository:\(repository):pull,push")
    return try await send(head) == 200
  }
}

/// Numbers in names, so that they sort as they count.
enum Padded {
  static let digits = 7

  static func text(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// Asks for a whole list, or for pages from random places on, and looks whether the names are right.
final class PageWorker: Worker {
  /// The largest list that is verified, in bytes: a million names of 64.
  private static let most = 64 << 20

  private let client: Client
  private let whole: Request?
  private let page: Int
  private let count: Int
  private let path: String
  private let scope: String
  private let truth: ListTruth?
  private let name: @Sendable (Int) -> String
  /// A whole list that was found right: another answer of the same bytes is, too, and is not read again.
  private var known: [UInt8] = []

  /// Without `truth` nothing is verified.
  init(
    _ client: Client, _ spec: ScenarioSpec, _ truth: ListTruth?, path: String, scope: String,
    name: @escaping @Sendable (Int) -> String
  ) {
    (self.client, self.page, self.path, self.scope, self.name) = (client, spec.page, path, scope, name)
    self.truth = truth
    count = spec.kind == .catalog ? spec.repositories : spec.tags
    whole = spec.page == 0 ? Request("GET", client.path(path), scope: scope, keepsHead: truth != nil) : nil
  }

  func operate() async throws(LoadError) {
    if let whole { return try await ask(whole, after: nil) }
    let start = Int(client.random.next() % UInt64(max(1, count - page)))
    let request = Request(
      "GET", client.path("\(path)?n=\(page)&last=\(name(start))"), scope: scope, keepsHead: truth != nil)
    try await ask(request, after: start)
  }

  private func ask(_ request: Request, after: Int?) async throws(LoadError) {
    guard let truth else { return _ = try await client.send(request) }
    let connection = client.connection
    try await client.send(request, into: .collect(atMost: Self.most))
    let isWhole = truth.mayIgnorePages && connection.collected.count >= truth.wholeBytes
    if isWhole, connection.collected == known { return }
    let link = connection.field("Link")
    if let fault = truth.fault(connection.collected, after: after, page: page, link: link) {
      throw LoadError(.protocol, "\(request.description(at: client.site.endpoint.url)): \(fault)")
    }
    if isWhole { known = connection.collected }
  }
}
