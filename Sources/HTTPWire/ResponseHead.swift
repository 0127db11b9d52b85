// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Status and fields of a response, before its framing is decided.
public struct ResponseHead: Hashable, Sendable {
  /// The status to send.
  public var status: HTTPStatus
  /// All fields but Date, Content-Length, Transfer-Encoding and Connection, which are the writer's.
  public var fields: Fields

  /// A head of a status and its fields.
  public init(status: HTTPStatus, fields: Fields = Fields()) {
    self.status = status
    self.fields = fields
  }

  /// Writes the head with its empty line; the parameters are those of `ResponseWriter.writeHead`.
  public func write(
    framing: ResponseFraming, keepAlive: Bool, version: HTTPVersion = .http11, date: [UInt8],
    into output: inout [UInt8]
  ) {
    ResponseWriter.writeHead(
      status: status, fields: fields, framing: framing, keepAlive: keepAlive, version: version, date: date,
      into: &output)
  }
}
