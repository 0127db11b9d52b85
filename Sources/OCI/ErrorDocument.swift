// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The body of an answer that reports errors: `{"errors":[{"code","message","detail"?}]}` and a newline
/// (OCI distribution-spec, "Error codes").
public struct ErrorDocument: Sendable, Hashable {
  /// One error.
  public struct Entry: Sendable, Hashable {
    /// The code.
    public let code: OCIErrorCode
    /// A text for people.
    public let message: String
    /// What the error is about, for programs.
    public let detail: JSONValue?

    /// An error; without a `message` it carries the usual one of its code.
    public init(_ code: OCIErrorCode, message: String? = nil, detail: JSONValue? = nil) {
      self.code = code
      self.message = message ?? code.message
      self.detail = detail
    }
  }

  /// The errors, most important first.
  public let entries: [Entry]

  /// A document of the given errors.
  ///
  /// - Precondition: `entries` is not empty.
  public init(_ entries: [Entry]) {
    precondition(!entries.isEmpty, "an error document names an error")
    self.entries = entries
  }

  /// A document of one error.
  public init(_ code: OCIErrorCode, message: String? = nil, detail: JSONValue? = nil) {
    self.init([Entry(code, message: message, detail: detail)])
  }

  /// The usual HTTP status of the first error.
  public var httpStatus: Int { entries[0].code.httpStatus }

  /// The document as JSON, ending in a newline.
  public func render() -> [UInt8] {
    let errors: [JSONValue] = entries.map { entry in
      var members: [JSONValue.Member] = [
        .init("code", .string(entry.code.rawValue)), .init("message", .string(entry.message)),
      ]
      if let detail = entry.detail { members.append(.init("detail", detail)) }
      return .object(members)
    }
    var output: [UInt8] = []
    JSONText.append(["errors": .array(errors)], to: &output)
    output.append(UInt8(ascii: "\n"))
    return output
  }
}
