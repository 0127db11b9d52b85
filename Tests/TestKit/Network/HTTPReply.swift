// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// A response as a client of the simulated network read it.
public struct HTTPReply: Sendable {
  /// One header field.
  public struct Field: Sendable, Hashable {
    /// The name, in lower case.
    public var name: String
    /// The value, without white space around it.
    public var value: String
  }

  /// The status code.
  public var status: Int
  /// The fields in their order.
  public var fields: [Field]
  /// The body, without its framing.
  public var body: [UInt8]

  /// The value of the first field of this name, in any case; nil when there is none.
  public func first(_ name: String) -> String? {
    fields.first { $0.name == name.lowercased() }?.value
  }

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why a client got no whole response.
public enum HTTPClientError: Error, Sendable, Hashable {
  /// The connection failed.
  case stream(StreamError)
  /// The connection ended after this much of a response.
  case ended(after: String)
  /// The server wrote something that is no response; the text says what.
  case malformed(String)
}
