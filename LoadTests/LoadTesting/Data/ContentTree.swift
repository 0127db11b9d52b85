// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// Writes what scenarios pull to a directory, instead of pushing it: quickly, and for servers that take no pushes.
public struct ContentTree {
  /// How the directory is laid out.
  public enum Layout: Sendable {
    /// As a server of static files needs it: the paths of the registry's URLs.
    case urls
    /// As Distribution keeps it, for registries that read its directories.
    case distribution
  }

  private let files = LoopGroup.files
  private let top: String
  private let layout: Layout
  private var made: Set<String> = []

  /// Below `top`, which is made where it is absent.
  public init(_ top: String, _ layout: Layout) {
    self.top = top
    self.layout = layout
  }

  /// Writes what a scenario pulls; false for one that needs nothing.
  public mutating func write(_ spec: ScenarioSpec, seed: UInt64) throws(InputError) -> Bool {
    let contents = spec.activity(seed: seed, run: 0).contents()
    for piece in contents { try write(piece) }
    var wrote = !contents.isEmpty
    for part in spec.beside { if try write(part.spec, seed: seed &+ 77) { wrote = true } }
    return wrote
  }

  /// Writes `count` small blobs and links them to a repository.
  public mutating func write(blobs count: Int, repository: String, seed: UInt64) throws(InputError) {
    let mould = BlobMould(size: BlobData.stampBytes, seed: seed)
    for number in 0..<count {
      let blob = mould.blob(UInt64(number), run: seed &+ 1)
      try write(.blob(repository: repository, name: blob.name, bytes: { blob.bytes }))
    }
  }

  /// Writes one manifest under `count` tags.
  public mutating func write(tags count: Int, repository: String, seed: UInt64) throws(InputError) {
    var spec = ScenarioSpec(name: "tags", kind: .tagList)
    (spec.repository, spec.tags) = (repository, count)
    _ = try write(spec, seed: seed)
  }

  private mutating func write(_ piece: ContentPiece) throws(InputError) {
    switch (layout, piece) {
    case (.urls, .blob(let repository, let name, let bytes)):
      try put("v2/\(repository)/blobs/\(name)", bytes())
    case (.urls, .manifest(let repository, let name, let bytes, let tags)):
      for reference in [name] + tags { try put("v2/\(repository)/manifests/\(reference)", bytes) }
    case (.distribution, .blob(let repository, let name, let bytes)):
      try blob(name, bytes())
      try put("\(Self.repositories)/\(repository)/_layers/\(Self.path(name))/link", Array(name.utf8))
    case (.distribution, .manifest(let repository, let name, let bytes, let tags)):
      try blob(name, bytes)
      let manifests = "\(Self.repositories)/\(repository)/_manifests"
      let link = Array(name.utf8)
      try put("\(manifests)/revisions/\(Self.path(name))/link", link)
      for tag in tags {
        try put("\(manifests)/tags/\(tag)/current/link", link)
        try put("\(manifests)/tags/\(tag)/index/\(Self.path(name))/link", link)
      }
    }
  }

  private static let repositories = "docker/registry/v2/repositories"

  private mutating func blob(_ name: String, _ bytes: [UInt8]) throws(InputError) {
    let hex = name.dropFirst("sha256:".count)
    try put("docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data", bytes)
  }

  /// `sha256:hex` as `sha256/hex`.
  private static func path(_ name: String) -> String { "sha256/\(name.dropFirst("sha256:".count))" }

  private mutating func put(_ path: String, _ bytes: [UInt8]) throws(InputError) {
    let whole = "\(top)/\(path)"
    do throws(FileError) {
      try makeDirectories(String(whole[..<(whole.lastIndex(of: "/") ?? whole.endIndex)]))
      let file = try files.open(whole, .create(mode: 0o644))
      try file.write(bytes, at: 0)
    } catch {
      throw InputError("\(error.path): cannot be written: \(LoopError.text(error.code))")
    }
  }

  private mutating func makeDirectories(_ path: String) throws(FileError) {
    guard !path.isEmpty, path != ".", !made.contains(path) else { return }
    if try files.status(path) == nil {
      if let slash = path.lastIndex(of: "/") { try makeDirectories(String(path[..<slash])) }
      _ = try files.makeDirectory(path)
    }
    // A tree of a million blobs has too many directories to remember; the kernel's memory of them is as good.
    if made.count < 100_000 { made.insert(path) }
  }
}
