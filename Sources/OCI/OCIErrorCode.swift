// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The code of an error document: those of the OCI distribution-spec ("Error codes") and Distribution's own.
public enum OCIErrorCode: String, Sendable, Hashable, CaseIterable {
  /// The blob is not in this repository.
  case blobUnknown = "BLOB_UNKNOWN"
  /// The upload cannot go on as asked.
  case blobUploadInvalid = "BLOB_UPLOAD_INVALID"
  /// No such upload session.
  case blobUploadUnknown = "BLOB_UPLOAD_UNKNOWN"
  /// The digest is malformed, unsupported, or not that of the content.
  case digestInvalid = "DIGEST_INVALID"
  /// A manifest refers to a blob that is not in this repository.
  case manifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
  /// The manifest cannot be accepted.
  case manifestInvalid = "MANIFEST_INVALID"
  /// The manifest is not in this repository.
  case manifestUnknown = "MANIFEST_UNKNOWN"
  /// Distribution's own: a signed manifest did not verify.
  case manifestUnverified = "MANIFEST_UNVERIFIED"
  /// The repository name is not valid.
  case nameInvalid = "NAME_INVALID"
  /// No such repository.
  case nameUnknown = "NAME_UNKNOWN"
  /// The length does not match.
  case sizeInvalid = "SIZE_INVALID"
  /// Distribution's own: the tag is not valid or does not match.
  case tagInvalid = "TAG_INVALID"
  /// Distribution's own: a range that cannot be taken.
  case rangeInvalid = "RANGE_INVALID"
  /// Distribution's own: `n` is not a usable number.
  case paginationNumberInvalid = "PAGINATION_NUMBER_INVALID"
  /// Credentials are wanted.
  case unauthorized = "UNAUTHORIZED"
  /// Credentials are not enough.
  case denied = "DENIED"
  /// The operation is not supported.
  case unsupported = "UNSUPPORTED"
  /// The client must slow down.
  case tooManyRequests = "TOOMANYREQUESTS"
  /// Distribution's own: the server cannot answer now.
  case unavailable = "UNAVAILABLE"
  /// Distribution's own: anything else, the server's fault.
  case unknown = "UNKNOWN"

  /// The short English text that Distribution's clients know.
  public var message: String {
    switch self {
    case .blobUnknown, .manifestBlobUnknown: "blob unknown to registry"
    case .blobUploadInvalid: "blob upload invalid"
    case .blobUploadUnknown: "blob upload unknown to registry"
    case .digestInvalid: "provided digest did not match uploaded content"
    case .manifestInvalid: "manifest invalid"
    case .manifestUnknown: "manifest unknown"
    case .manifestUnverified: "manifest failed signature verification"
    case .nameInvalid: "invalid repository name"
    case .nameUnknown: "repository name not known to registry"
    case .sizeInvalid: "provided length did not match content length"
    case .tagInvalid: "manifest tag did not match URI"
    case .rangeInvalid: "invalid content range"
    case .paginationNumberInvalid: "invalid number of results requested"
    case .unauthorized: "authentication required"
    case .denied: "requested access to the resource is denied"
    case .unsupported: "The operation is unsupported."
    case .tooManyRequests: "too many requests"
    case .unavailable: "service unavailable"
    case .unknown: "unknown error"
    }
  }

  /// The HTTP status that goes with the code unless the endpoint knows better.
  public var httpStatus: Int {
    switch self {
    case .digestInvalid, .manifestBlobUnknown, .manifestInvalid, .manifestUnverified, .nameInvalid, .sizeInvalid,
      .tagInvalid, .paginationNumberInvalid:
      400
    case .unauthorized: 401
    case .denied: 403
    case .blobUnknown, .blobUploadInvalid, .blobUploadUnknown, .manifestUnknown, .nameUnknown: 404
    case .unsupported: 405
    case .rangeInvalid: 416
    case .tooManyRequests: 429
    case .unknown: 500
    case .unavailable: 503
    }
  }
}
