// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension RegistryService {
  /// Tags of a repository in byte order (end-8): at most `limit`, strictly after `last`.
  public func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(RegistryError) -> ListPage<Tag> {
    do {
      if let page = try await storage.tags(in: repository, after: last, limit: limit) { return page }
    } catch { throw .storage(error) }
    throw .repositoryUnknown(repository)
  }

  /// Repositories in catalog order: at most `limit`, strictly after `last`.
  public func repositories(
    after last: String?, limit: Int
  ) async throws(RegistryError) -> ListPage<RepositoryName> {
    do { return try await storage.repositories(after: last, limit: limit) } catch { throw .storage(error) }
  }

  /// The manifests that are about `subject` (end-12), by digest: strictly after `last`, of `artifactType` when that
  /// is given. Reads at most `limits.manifests` manifests and `limits.bytesRead` of their bytes, and lists at most
  /// `limits.bytes` of them, but goes on by one at least.
  public func referrers(
    of subject: Digest, in repository: RepositoryName, artifactType: MediaType?, after last: Digest?,
    limits: (manifests: Int, bytesRead: Int, bytes: Int)
  ) async throws(RegistryError) -> ReferrersPage {
    var candidates: [Digest]
    do {
      candidates = try await storage.referrers(of: subject, in: repository) { bytes in
        // What cannot be read has no subject.
        (try? ManifestReader.read(bytes))?.subject?.digest
      }
      candidates += try await fallbackReferrers(of: subject, in: repository)
    } catch { throw .storage(error) }
    candidates = Set(candidates).sorted()
    if let last { candidates.removeAll { $0 <= last } }
    var descriptors: [Descriptor] = []
    var (readBytes, listedBytes) = (0, 0)
    for (index, digest) in candidates.enumerated() {
      if index > 0, index >= limits.manifests || readBytes >= limits.bytesRead {
        return ReferrersPage(descriptors: descriptors, next: candidates[index - 1])
      }
      guard let referrer = try await referrer(digest, of: subject, in: repository, &readBytes) else { continue }
      if let artifactType, referrer.artifactType != artifactType { continue }
      if index > 0, listedBytes + Int(referrer.size) > limits.bytes {
        return ReferrersPage(descriptors: descriptors, next: candidates[index - 1])
      }
      listedBytes += Int(referrer.size)
      descriptors.append(referrer)
    }
    return ReferrersPage(descriptors: descriptors, next: nil)
  }

  private func referrer(
    _ digest: Digest, of subject: Digest, in repository: RepositoryName, _ readBytes: inout Int
  ) async throws(RegistryError) -> Descriptor? {
    let bytes: [UInt8]?
    do { bytes = try await storage.manifest(digest, in: repository) } catch { throw .storage(error) }
    guard let bytes else { return nil }
    readBytes += bytes.count
    // What cannot be read is about nothing.
    guard let manifest = try? await read(bytes, contentType: nil), manifest.subject?.digest == subject else {
      return nil
    }
    return manifest.referrerDescriptor(digest: digest, size: Int64(bytes.count))
  }

  /// What clients listed under the fallback tag (clause 12.6); whether it is true is judged when it is read.
  private func fallbackReferrers(
    of subject: Digest, in repository: RepositoryName
  ) async throws(StorageError) -> [Digest] {
    guard let index = try await storage.tag(FallbackTag.name(for: subject), in: repository),
      let bytes = try await storage.manifest(index, in: repository)
    else { return [] }
    // A tag of that form that is no index lists nothing.
    guard let manifest = try? await read(bytes, contentType: nil) else { return [] }
    return manifest.manifests.map(\.digest)
  }
}
