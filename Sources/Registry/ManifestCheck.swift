// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage

/// Checks that what a manifest refers to is in the repository (clause 7.4), as far as the settings ask for it. A
/// `subject` is never asked for, nor is a layer that clients do not upload.
struct ManifestCheck {
  let storage: any StorageEngine
  let validation: ManifestValidation
  let repository: RepositoryName

  func check(_ manifest: Manifest) async throws {
    guard validation.isEnabled else { return }
    if let rules = validation.urls { try check(manifest.layers, by: rules) }
    let references = manifest.references
    var missing: [Digest] = []
    for blob in references.blobs {
      if try await storage.blob(blob.digest, in: repository) == nil { missing.append(blob.digest) }
    }
    for child in references.manifests where isWanted(child) {
      if try await !isPresent(child) { missing.append(child.digest) }
    }
    guard missing.isEmpty else { throw RegistryError.referencesMissing(missing) }
  }

  /// An index may also list content that is no manifest; then a blob will do.
  private func isPresent(_ child: Descriptor) async throws -> Bool {
    if try await storage.hasManifest(child.digest, in: repository) { return true }
    guard !child.mediaType.isManifest, !child.mediaType.isIndex else { return false }
    return try await storage.blob(child.digest, in: repository) != nil
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
