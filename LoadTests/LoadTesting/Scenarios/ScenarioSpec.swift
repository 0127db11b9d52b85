// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One scenario: what is done, by how many, how long, with which data.
public struct ScenarioSpec: Sendable {
  /// How a manifest is asked for.
  public enum ManifestReference: String, Sendable, CaseIterable {
    /// By tag.
    case tag
    /// By digest.
    case digest
    /// By turns.
    case both
  }

  /// How it is called in reports.
  public var name: String
  /// What is done.
  public var kind: ScenarioKind
  /// Clients at once.
  public var clients = 8
  /// The measured time, in nanoseconds.
  public var duration: UInt64 = 5_000_000_000
  /// Time before it that is not measured, in nanoseconds.
  public var warmup: UInt64 = 500_000_000
  /// Operations per second of an open loop; nil for a closed loop.
  public var rate: Double?
  /// Operations of each client at most; nil for as many as fit.
  public var operations: Int?
  /// Whether received bodies are checked against their digests.
  public var verify = true
  /// Whether bodies that are not verified are taken off the socket without a copy.
  public var discard = false
  /// How long a connection may rest within an exchange, in nanoseconds.
  public var timeout: UInt64 = 30_000_000_000
  /// The repository; with `repositories` above 1, what its names begin with.
  public var repository = "load/test"
  /// Repositories that are written to, or that the catalog has.
  public var repositories = 1
  /// The path of `get`.
  public var path = "/"
  /// How manifests are asked for.
  public var by = ManifestReference.tag
  /// Different images or blobs that are pulled.
  public var count = 1
  /// Bytes of a blob, or of a layer.
  public var size = 32 << 10
  /// Bytes of a manifest.
  public var manifestSize = 1536
  /// Layers of an image.
  public var layers = 5
  /// Connections that one client pulls an image with.
  public var parallel = 3
  /// Bytes of a PATCH.
  public var chunk = 1 << 20
  /// How often a resumable push is cut.
  public var cuts = 3
  /// Tags that the repository has, or that are written by turns.
  public var tags = 100
  /// Names of a page; 0 for the whole list.
  public var page = 0
  /// The parts of a mixed scenario.
  public var mix: [(weight: Int, spec: ScenarioSpec)] = []
  /// What runs beside it without being measured, at the target of this name, or at the measured one.
  public var beside: [(target: String?, spec: ScenarioSpec)] = []

  /// A scenario with the defaults of its kind.
  public init(name: String, kind: ScenarioKind) {
    (self.name, self.kind) = (name, kind)
    if kind == .herd { (operations, warmup) = (1, 0) }
    if kind.holds { (operations, warmup, duration) = (1, 0, 1_000_000_000) }
    if kind == .tagList { tags = 10_000 }
    if kind == .catalog { (repositories, page) = (10_000, 100) }
  }
}
