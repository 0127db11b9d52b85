// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage

/// Checks that what a manifest refers to is in the repository (clause 7.4) and has the size that is stated, as far as
/// the settings ask for it. A `subject` is never asked for, nor is a layer that clients do not upload.
struct ManifestCheck {
  /// Faults after which nothing more is looked for. A manifest has room for some 40,000 references; looking all of them
  /// up would keep the repository's other writers waiting for seconds, to make an answer of megabytes.
  static let faultsMax = 1000

  /// How many blobs are looked up in one step: more than images have, and few enough to stop soon after too many
  /// faults.
  private static let blobsPerLook = 256

  let storage: any StorageEngine
  let validation: ManifestValidation
  let repository: RepositoryName

  func check(_ manifest: Manifest) async throws {
    guard validation.isEnabled else { return }
    if let rules = validation.urls { try check(manifest.layers, by: rules) }
    let references = manifest.references
    var missing: [Digest] = []
    var contradictions: [SizeContradiction] = []
    func judge(_ descriptor: Descriptor, storedBytes: UInt64?) {
      guard let storedBytes else {
        missing.append(descriptor.digest)
        return
      }
      guard UInt64(descriptor.size) != storedBytes else { return }
      contradictions.append(
        SizeContradiction(digest: descriptor.digest, stated: descriptor.size, stored: storedBytes))
    }
    var hasRoom: Bool { missing.count + contradictions.count < Self.faultsMax }
    var rest = references.blobs[...]
    while hasRoom, !rest.isEmpty {
      let part = rest.prefix(Self.blobsPerLook)
      rest = rest.dropFirst(part.count)
      let sizes = try await storage.blobSizes(part.map(\.digest), in: repository)
      for (blob, size) in zip(part, sizes) where hasRoom { judge(blob, storedBytes: size) }
    }
    for child in references.manifests where hasRoom && isWanted(child) {
      judge(child, storedBytes: try await childSize(child))
    }
    guard missing.isEmpty else { throw RegistryError.referencesMissing(missing) }
    guard contradictions.isEmpty else { throw RegistryError.sizesContradict(contradictions) }
  }

  private func blobSize(_ descriptor: Descriptor) async throws -> UInt64? {
    try await storage.blob(descriptor.digest, in: repository)?.size
  }

  /// An index may also list content that is no manifest; then a blob will do.
  private func childSize(_ child: Descriptor) async throws -> UInt64? {
    if let bytes = try await storage.manifest(child.digest, in: repository) { return UInt64(bytes.count) }
    guard !child.mediaType.isManifest, !child.mediaType.isIndex else { return nil }
    return try await blobSize(child)
  }

  private func isWanted(_ child: Descriptor) -> Bool {
    switch validation.indexChildren {
    case .all: return true
    case .none: return false
    case .platforms(let wanted):
      guard let platform = child.platform else { return false }
      return wanted.contains { $0.architecture == platform.architecture && $0.os == platform.os }
    }
  }

  private func check(_ layers: [Descriptor], by rules: URLRules) throws {
    for layer in layers {
      for url in layer.urls where !rules.allows(url) {
        throw RegistryError.urlRefused(url: url, layer: layer.digest)
      }
    }
  }
}
