// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A status code with its standard reason phrase (RFC 9110, 15).
@frozen
public struct HTTPStatus: Hashable, Sendable, CustomStringConvertible {
  /// Three digits, 100 to 999.
  public let code: UInt16

  /// Any code of three digits; one outside 100...999 is a programmer's fault.
  @inlinable
  public init(_ code: UInt16) {
    precondition(code >= 100 && code <= 999, "a status code has three digits")
    self.code = code
  }

  /// Whether an answer with this status never has content, whatever its fields say (RFC 9110, 6.4.1).
  @inlinable
  public var forbidsContent: Bool { code < 200 || code == 204 || code == 304 }

  /// The standard phrase, or empty for a code that has none here.
  public var reason: String {
    guard let line = statusLine else { return "" }
    return line.withUTF8Buffer { String(decoding: $0[13..<($0.count - 2)], as: UTF8.self) }
  }

  /// Code and phrase, as in `404 Not Found`.
  public var description: String { reason.isEmpty ? "\(code)" : "\(code) \(reason)" }

  /// The whole status line with its line end, for the codes that have a phrase.
  var statusLine: StaticString? {
    switch code {
    case 100: "HTTP/1.1 100 Continue\r\n"
    case 200: "HTTP/1.1 200 OK\r\n"
    case 201: "HTTP/1.1 201 Created\r\n"
    case 202: "HTTP/1.1 202 Accepted\r\n"
    case 204: "HTTP/1.1 204 No Content\r\n"
    case 206: "HTTP/1.1 206 Partial Content\r\n"
    case 301: "HTTP/1.1 301 Moved Permanently\r\n"
    case 302: "HTTP/1.1 302 Found\r\n"
    case 303: "HTTP/1.1 303 See Other\r\n"
    case 304: "HTTP/1.1 304 Not Modified\r\n"
    case 307: "HTTP/1.1 307 Temporary Redirect\r\n"
    case 308: "HTTP/1.1 308 Permanent Redirect\r\n"
    case 400: "HTTP/1.1 400 Bad Request\r\n"
    case 401: "HTTP/1.1 401 Unauthorized\r\n"
    case 403: "HTTP/1.1 403 Forbidden\r\n"
    case 404: "HTTP/1.1 404 Not Found\r\n"
    case 405: "HTTP/1.1 405 Method Not Allowed\r\n"
    case 406: "HTTP/1.1 406 Not Acceptable\r\n"
    case 408: "HTTP/1.1 408 Request Timeout\r\n"
    case 409: "HTTP/1.1 409 Conflict\r\n"
    case 410: "HTTP/1.1 410 Gone\r\n"
    case 411: "HTTP/1.1 411 Length Required\r\n"
    case 412: "HTTP/1.1 412 Precondition Failed\r\n"
    case 413: "HTTP/1.1 413 Content Too Large\r\n"
    case 414: "HTTP/1.1 414 URI Too Long\r\n"
    case 415: "HTTP/1.1 415 Unsupported Media Type\r\n"
    case 416: "HTTP/1.1 416 Range Not Satisfiable\r\n"
    case 417: "HTTP/1.1 417 Expectation Failed\r\n"
    case 421: "HTTP/1.1 421 Misdirected Request\r\n"
    case 422: "HTTP/1.1 422 Unprocessable Content\r\n"
    case 425: "HTTP/1.1 425 Too Early\r\n"
    case 426: "HTTP/1.1 426 Upgrade Required\r\n"
    case 428: "HTTP/1.1 428 Precondition Required\r\n"
    case 429: "HTTP/1.1 429 Too Many Requests\r\n"
    case 431: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    case 500: "HTTP/1.1 500 Internal Server Error\r\n"
    case 501: "HTTP/1.1 501 Not Implemented\r\n"
    case 502: "HTTP/1.1 502 Bad Gateway\r\n"
    case 503: "HTTP/1.1 503 Service Unavailable\r\n"
    case 504: "HTTP/1.1 504 Gateway Timeout\r\n"
    case 505: "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    case 507: "HTTP/1.1 507 Insufficient Storage\r\n"
    default: nil
    }
  }
}

extension HTTPStatus {
  /// 100.
  @inlinable public static var `continue`: HTTPStatus { HTTPStatus(100) }
  /// 200.
  @inlinable public static var ok: HTTPStatus { HTTPStatus(200) }
  /// 201.
  @inlinable public static var created: HTTPStatus { HTTPStatus(201) }
  /// 202.
  @inlinable public static var accepted: HTTPStatus { HTTPStatus(202) }
  /// 204.
  @inlinable public static var noContent: HTTPStatus { HTTPStatus(204) }
  /// 206.
  @inlinable public static var partialContent: HTTPStatus { HTTPStatus(206) }
  /// 301.
  @inlinable public static var movedPermanently: HTTPStatus { HTTPStatus(301) }
  /// 302.
  @inlinable public static var found: HTTPStatus { HTTPStatus(302) }
  /// 303.
  @inlinable public static var seeOther: HTTPStatus { HTTPStatus(303) }
  /// 304.
  @inlinable public static var notModified: HTTPStatus { HTTPStatus(304) }
  /// 307.
  @inlinable public static var temporaryRedirect: HTTPStatus { HTTPStatus(307) }
  /// 308.
  @inlinable public static var permanentRedirect: HTTPStatus { HTTPStatus(308) }
  /// 400.
  @inlinable public static var badRequest: HTTPStatus { HTTPStatus(400) }
  /// 401.
  @inlinable public static var unauthorized: HTTPStatus { HTTPStatus(401) }
  /// 403.
  @inlinable public static var forbidden: HTTPStatus { HTTPStatus(403) }
  /// 404.
  @inlinable public static var notFound: HTTPStatus { HTTPStatus(404) }
  /// 405.
  @inlinable public static var methodNotAllowed: HTTPStatus { HTTPStatus(405) }
  /// 406.
  @inlinable public static var notAcceptable: HTTPStatus { HTTPStatus(406) }
  /// 408.
  @inlinable public static var requestTimeout: HTTPStatus { HTTPStatus(408) }
  /// 409.
  @inlinable public static var conflict: HTTPStatus { HTTPStatus(409) }
  /// 410.
  @inlinable public static var gone: HTTPStatus { HTTPStatus(410) }
  /// 411.
  @inlinable public static var lengthRequired: HTTPStatus { HTTPStatus(411) }
  /// 412.
  @inlinable public static var preconditionFailed: HTTPStatus { HTTPStatus(412) }
  /// 413.
  @inlinable public static var contentTooLarge: HTTPStatus { HTTPStatus(413) }
  /// 414.
  @inlinable public static var uriTooLong: HTTPStatus { HTTPStatus(414) }
  /// 415.
  @inlinable public static var unsupportedMediaType: HTTPStatus { HTTPStatus(415) }
  /// 416.
  @inlinable public static var rangeNotSatisfiable: HTTPStatus { HTTPStatus(416) }
  /// 417.
  @inlinable public static var expectationFailed: HTTPStatus { HTTPStatus(417) }
  /// 421.
  @inlinable public static var misdirectedRequest: HTTPStatus { HTTPStatus(421) }
  /// 422.
  @inlinable public static var unprocessableContent: HTTPStatus { HTTPStatus(422) }
  /// 429.
  @inlinable public static var tooManyRequests: HTTPStatus { HTTPStatus(429) }
  /// 431.
  @inlinable public static var requestHeaderFieldsTooLarge: HTTPStatus { HTTPStatus(431) }
  /// 500.
  @inlinable public static var internalServerError: HTTPStatus { HTTPStatus(500) }
  /// 501.
  @inlinable public static var notImplemented: HTTPStatus { HTTPStatus(501) }
  /// 502.
  @inlinable public static var badGateway: HTTPStatus { HTTPStatus(502) }
  /// 503.
  @inlinable public static var serviceUnavailable: HTTPStatus { HTTPStatus(503) }
  /// 504.
  @inlinable public static var gatewayTimeout: HTTPStatus { HTTPStatus(504) }
  /// 505.
  @inlinable public static var httpVersionNotSupported: HTTPStatus { HTTPStatus(505) }
  /// 507.
  @inlinable public static var insufficientStorage: HTTPStatus { HTTPStatus(507) }
}
