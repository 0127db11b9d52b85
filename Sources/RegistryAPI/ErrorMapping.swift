// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage
import GantryWorld

// The one place where errors of other rooms become statuses and codes. No switch here has a default, so that a new
// case cannot ship unmapped; no path and no text of the system reaches a client.

extension Refusal {
  /// The answer to a failure of the registry.
  init(_ error: RegistryError) {
    switch error {
    case .blobUnknown(let digest): self.init(.blobUnknown, detail: ["digest": .string(digest.description)])
    case .manifestUnknown(let reference):
      self.init(.manifestUnknown, detail: ["reference": .string(reference.description)])
    case .repositoryUnknown(let name): self.init(.nameUnknown, detail: ["name": .string(name.description)])
    case .uploadUnknown(let id):
      self.init(
        .blobUploadUnknown,
        detail: [
          "reason": "it was finished, cancelled or purged, or never begun; HEAD the blob, or begin anew with POST",
          "uuid": .string(id.description),
        ])
    case .uploadOutOfOrder(let stands, let claimed):
      self.init(
        .rangeInvalid,
        detail: [
          "reason": "the bytes do not begin where the upload stands; go on there, at Location",
          "start": .integer(Int64(clamping: claimed)), "offset": .integer(Int64(clamping: stands.offset)),
        ])
    case .uploadHeldElsewhere(let stands):
      self.init(
        .rangeInvalid,
        detail: [
          "reason": "another process is working on this upload, which stands here or further on; try again at Location",
          "offset": .integer(Int64(clamping: stands.offset)),
        ])
      fields.append("Retry-After", "1")
    case .uploadSuperseded(let id):
      self.init(
        .blobUploadInvalid, status: .conflict,
        detail: ["reason": "a later request has taken this upload over", "uuid": .string(id.description)])
    case .uploadBusy(let id):
      self.init(
        .tooManyRequests,
        detail: ["reason": "another request is working on this upload", "uuid": .string(id.description)])
      fields.append("Retry-After", "1")
    case .digestMismatch(let expected, let actual):
      self.init(
        .digestInvalid,
        detail: ["digest": .string(expected.description), "computed": .string(actual.description)])
    case .manifestInvalid(let error): self.init(.manifestInvalid, reason: error.description)
    case .manifestTypeUnstated(let type):
      self.init(
        .manifestInvalid,
        reason: "mediaType: is missing, and the type '\(type.text)' cannot be told from the document without it")
    case .manifestTooLarge(let bytesMax):
      self.init(
        .manifestInvalid, status: .contentTooLarge, message: "manifest too large",
        detail: ["reason": .string("a manifest has at most \(bytesMax) bytes")])
    case .referencesMissing(let digests):
      self.init(
        .badRequest,
        digests.map { ErrorDocument.Entry(.manifestBlobUnknown, detail: .string($0.description)) })
    case .sizesContradict(let contradictions):
      self.init(
        .badRequest,
        contradictions.map { contradiction in
          ErrorDocument.Entry(
            .sizeInvalid,
            detail: [
              "digest": .string(contradiction.digest.description), "size": .integer(contradiction.stated),
              "stored": .integer(Int64(clamping: contradiction.stored)),
            ])
        })
    case .urlRefused(let url, let layer):
      self.init(
        .manifestInvalid,
        detail: [
          "reason": "a layer names a URL that is not allowed here", "url": .string(String(url.prefix(256))),
          "digest": .string(layer.description),
        ])
    case .conditionFailed(let current):
      self.init(
        .manifestInvalid, status: .preconditionFailed, message: "the condition of the request does not hold",
        detail: ["current": current.map { .string($0.description) } ?? .null])
    case .tagProtected(let tag, let current):
      self.init(
        .denied, message: "the tag '\(tag)' is immutable here: it cannot be moved or removed",
        detail: ["tag": .string(tag.description), "current": .string(current.description)])
    case .deletionDisabled: self.init(.unsupported, reason: "deletion is disabled")
    case .readOnly: self.init(.unsupported, reason: "the registry is in read-only mode")
    case .storage(let error): self.init(error)
    }
  }

  /// The answer to a failure of the storage.
  init(_ error: StorageError) {
    switch error {
    case .digestMismatch(let expected, let actual):
      self.init(RegistryError.digestMismatch(expected: expected, actual: actual))
    case .sessionGone: self.init(.blobUploadUnknown)
    case .sessionBusy:
      self.init(.tooManyRequests, reason: "another request is working on this upload")
      fields.append("Retry-After", "1")
    case .noSpace(let fault):
      self.init(.unavailable, status: .insufficientStorage, reason: "the storage is full")
      fields.append("Retry-After", "60")
      cause = Self.logText(of: fault)
    case .exhausted(let fault):
      self.init(.unavailable, reason: "the registry is at its limit of open files")
      fields.append("Retry-After", "1")
      cause = Self.logText(of: fault)
    case .readOnly(let fault):
      self.init(.unavailable, reason: "the storage cannot be written")
      fields.append("Retry-After", "60")
      cause = Self.logText(of: fault)
    case .failed(let fault):
      self.init(.unavailable, reason: "the storage failed")
      fields.append("Retry-After", "5")
      cause = Self.logText(of: fault)
    case .damaged(let what):
      self.init(.unknown, reason: "what is stored contradicts itself")
      cause = what
    }
  }

  /// The answer to a request body that ended early. Its sender may not be there to read it.
  init(_ error: BodyError) {
    switch error {
    case .disconnected:
      // What nginx and Distribution log for a client that left in mid-request.
      self.init(.unknown, status: HTTPStatus(499), message: "the client went away in the middle of the body")
    case .stalled: self.init(.unknown, status: .requestTimeout, message: "the body stalled")
    case .malformed(let error): self.init(error)
    case .draining:
      self.init(.unavailable, reason: "the registry is stopping")
      fields.append("Retry-After", "5")
    }
    closesConnection = true
  }

  /// The answer to bytes that are no HTTP.
  init(_ error: WireError) {
    let status = error.status
    let code: OCIErrorCode = status == .contentTooLarge ? .sizeInvalid : .unsupported
    self.init(code, status: status, message: status.reason, detail: ["reason": .string(error.reason)])
  }

  private static func logText(of fault: FileError) -> String {
    "\(fault.operation) \(fault.path): \(fault.reason) (errno \(fault.code))"
  }
}
