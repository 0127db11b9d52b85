// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryOCI

/// An answer that reports errors: what a handler throws.
struct Refusal: Error {
  /// The status.
  var status: HTTPStatus
  /// The errors, for the document.
  var entries: [ErrorDocument.Entry]
  /// Fields of this answer beyond the common ones.
  var fields = Fields()
  /// Closes the connection, because the rest of the request cannot be trusted to be what it seems.
  var closesConnection = false
  /// Who was refused, for the log.
  var userName: String?
  /// Who the client said it is, with a password that is not that user's, for the log.
  var claimedName: String?
  /// Whether it was refused because there were too many wrong passwords.
  var isSlowedLogin = false
  /// What the log should know and the client should not.
  var cause: String?

  init(_ status: HTTPStatus, _ entries: [ErrorDocument.Entry]) {
    self.status = status
    self.entries = entries
  }

  /// One error; without a status the usual one of the code.
  init(_ code: OCIErrorCode, status: HTTPStatus? = nil, message: String? = nil, detail: JSONValue? = nil) {
    self.init(
      status ?? HTTPStatus(UInt16(code.httpStatus)), [ErrorDocument.Entry(code, message: message, detail: detail)])
  }

  /// The same with the reason as detail.
  init(_ code: OCIErrorCode, status: HTTPStatus? = nil, reason: String) {
    self.init(code, status: status, detail: ["reason": .string(reason)])
  }
}
