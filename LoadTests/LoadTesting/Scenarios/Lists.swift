// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The list of a repository's tags.
struct TagList: Activity {
  private let spec: ScenarioSpec
  private let image: ImageData

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    image = ImageData(number: 1 << 22, seed: seed, layers: [], manifestBytes: 0)
  }

  private var repository: String { spec.repository }

  static func tag(_ number: Int) -> String { "tag-\(Padded.text(number))" }

  /// Pushes the tags that are missing; a repository that has the last one has them all.
  func prepare(_ client: Client) async throws(LoadError) {
    if client.site.target.isStatic { return }
    let last = Request(
      "HEAD", client.path("\(repository)/manifests/\(Self.tag(spec.tags - 1))"),
      fields: [("Accept", ImageData.mediaType)],
      statuses: [200, 404], scope: "repository:\(repository):pull,push")
    if try await client.send(last) == 200 { return }
    let pushing = Pushing(client, repository)
    try await pushing.ensure(image, tag: Self.tag(0))
    for number in 1..<max(2, spec.tags) { try await pushing.push(manifest: image.manifest, as: Self.tag(number)) }
  }

  func contents() -> [ContentPiece] { image.contents(repository, tags: (0..<spec.tags).map(Self.tag)) }

  func worker(_ client: Client) -> any Worker {
    PageWorker(client, spec, path: "\(repository)/tags/list", scope: "repository:\(repository):pull") { number in
      Self.tag(number)
    }
  }
}

/// Pages of the catalog.
struct Catalog: Activity {
  private let spec: ScenarioSpec
  private let image: ImageData

  init(_ spec: ScenarioSpec, seed: UInt64) {
    self.spec = spec
    image = ImageData(number: 1 << 23, seed: seed, layers: [], manifestBytes: 0)
  }

  static func name(_ prefix: String, _ number: Int) -> String { "\(prefix)-\(Padded.text(number))" }

  func prepare(_ client: Client) async throws(LoadError) {
    if client.site.target.isStatic { return }
    let last = Self.name(spec.repository, spec.repositories - 1)
    let head = Request(
      "HEAD", client.path("\(last)/manifests/latest"), fields: [("Accept", ImageData.mediaType)], statuses: [200, 404],
      scope: "repository:\(last):pull,push")
    if try await client.send(head) == 200 { return }
    for number in 0..<spec.repositories {
      try await Pushing(client, Self.name(spec.repository, number)).ensure(image, tag: "latest")
    }
  }

  func contents() -> [ContentPiece] {
    (0..<spec.repositories).flatMap { image.contents(Self.name(spec.repository, $0), tags: ["latest"]) }
  }

  func worker(_ client: Client) -> any Worker {
    PageWorker(client, spec, path: "_catalog", scope: "registry:catalog:*") { [spec] number in
      Self.name(spec.repository, number % max(1, spec.repositories))
    }
  }
}

/// Numbers in names, so that they sort as they count.
enum Padded {
  static func text(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 7 - digits.count)) + digits
  }
}

/// Asks for a whole list, or for pages from random places on.
final class PageWorker: Worker {
  private let client: Client
  private let whole: Request?
  private let page: Int
  private let count: Int
  private let path: String
  private let scope: String
  private let name: @Sendable (Int) -> String

  init(
    _ client: Client, _ spec: ScenarioSpec, path: String, scope: String, name: @escaping @Sendable (Int) -> String
  ) {
    (self.client, self.page, self.path, self.scope, self.name) = (client, spec.page, path, scope, name)
    count = spec.kind == .catalog ? spec.repositories : spec.tags
    whole = spec.page == 0 ? Request("GET", client.path(path), scope: scope) : nil
  }

  func operate() async throws(LoadError) {
    if let whole {
      try await client.send(whole)
      return
    }
    let start = Int(client.random.next() % UInt64(max(1, count - page)))
    try await client.send(Request("GET", client.path("\(path)?n=\(page)&last=\(name(start))"), scope: scope))
  }
}
