// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

/// Why the registry did not do what was asked.
public enum RegistryError: Error, Sendable {
  /// The repository does not link the blob.
  case blobUnknown(Digest)
  /// The repository has no such manifest or tag.
  case manifestUnknown(Reference)
  /// No such repository.
  case repositoryUnknown(RepositoryName)
  /// No such upload: never begun, committed, cancelled or purged.
  case uploadUnknown(UploadID)
  /// The bytes do not begin where the upload stands; the upload goes on.
  case uploadOutOfOrder(stands: UploadStatus, claimed: UInt64)
  /// A later request has taken the upload up where it stood; this one may not touch it any more.
  case uploadSuperseded(UploadID)
  /// Another process works on the upload at this moment.
  case uploadBusy(UploadID)
  /// Another process works on the upload at this moment; it stands here, or further on.
  case uploadHeldElsewhere(stands: UploadStatus)
  /// The content has another digest than it was to be stored under; nothing was stored.
  case digestMismatch(expected: Digest, actual: Digest)
  /// The document is not a manifest that this registry takes.
  case manifestInvalid(ManifestError)
  /// The document lacks the field `mediaType`, without which it could not be served under this type.
  case manifestTypeUnstated(MediaType)
  /// The manifest is longer than the limit.
  case manifestTooLarge(bytesMax: Int)
  /// What the manifest refers to is not in the repository; at least one entry, each digest once.
  case referencesMissing([Digest])
  /// What the manifest refers to has another size than it says; at least one entry.
  case sizesContradict([SizeContradiction])
  /// A layer names a URL that the configuration does not allow.
  case urlRefused(url: String, layer: Digest)
  /// The write was conditional and what is stored does not fulfil the condition.
  case conditionFailed(current: Digest?)
  /// The tag is protected and points at something else, or was to be removed.
  case tagProtected(Tag, current: Digest)
  /// Deletion is switched off.
  case deletionDisabled
  /// The registry is in read-only mode.
  case readOnly
  /// The storage failed.
  case storage(StorageError)
}
