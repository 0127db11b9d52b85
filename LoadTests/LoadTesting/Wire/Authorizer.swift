// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Answers the challenges of one target: Basic (RFC 7617), or Bearer with tokens of a token service as Distribution
/// describes it. One per loop and target.
///
/// Isolation: belongs to one loop.
final class Authorizer: @unchecked Sendable {
  // Safe because: touched on its lane's loop only.

  private let site: Site
  private let basic: String?
  /// A token of somebody else's, which is sent as it is.
  private let fixed: String?
  private var isBasic = false
  private var tokens: [String: String] = [:]

  init(_ site: Site) {
    self.site = site
    fixed = site.target.token.map { "Bearer " + $0 }
    basic = site.target.credentials.map { "Basic " + Base64.encode(Array("\($0.user):\($0.password)".utf8)) }
  }

  /// What is sent as Authorization; nil as long as nothing was asked for.
  func header(_ scope: String) -> String? { fixed ?? header(asked: scope) }

  private func header(asked scope: String) -> String? { isBasic ? basic : tokens.isEmpty ? nil : tokens[scope] }

  /// Makes ready for asking once more; false when that would be in vain.
  func answer(_ challenge: String?, to request: Request, used: String?, lane: Lane) async throws(LoadError) -> Bool {
    let what = request.description(at: site.endpoint.url)
    if fixed != nil {
      throw LoadError(.status, "\(what): status 401: the registry refuses this token: \(challenge ?? "no challenge")")
    }
    // Another client of this loop may have got a newer token meanwhile.
    if let now = header(request.scope), now != used { return true }
    guard let challenge else { throw LoadError(.protocol, "\(what): status 401 without WWW-Authenticate") }
    let lower = challenge.lowercased()
    if lower.hasPrefix("basic") {
      guard basic != nil else {
        throw LoadError(.status, "\(what): status 401: the registry asks for a user; give one with --user")
      }
      isBasic = true
      if used != nil, let refusal = refusal(of: request) { throw refusal }
      return true
    }
    guard lower.hasPrefix("bearer") else {
      throw LoadError(.protocol, "\(what): status 401 with a challenge that is neither Basic nor Bearer: \(challenge)")
    }
    let values = Self.parameters(challenge)
    guard let realm = values["realm"] else { throw LoadError(.protocol, "\(what): a Bearer challenge without realm") }
    let token = try await fetch(realm, values["service"], values["scope"] ?? request.scope, lane)
    tokens[request.scope] = "Bearer " + token
    return true
  }

  /// What is to be said when a request with user and password is refused once more; nil where they were not sent.
  func refusal(of request: Request) -> LoadError? {
    guard isBasic else { return nil }
    let what = request.description(at: site.endpoint.url)
    return LoadError(.status, "\(what): status 401: the registry refuses this user and password")
  }

  private func fetch(_ realm: String, _ service: String?, _ scope: String, _ lane: Lane) async throws(LoadError)
    -> String
  {
    let url: TargetURL
    do throws(InputError) { url = try TargetURL(realm) } catch {
      throw LoadError(.protocol, "the realm of the Bearer challenge: \(error)")
    }
    let known = [site.endpoint] + site.tokenServices
    guard let endpoint = known.first(where: { $0.url.hasSameOrigin(as: url) }) else {
      throw LoadError(
        .protocol,
        "the registry sends us to the token service \(realm), which was not given to us; allow it with --token-service")
    }
    var query: [String] = []
    if let service { query.append("service=" + Self.encoded(service)) }
    for part in scope.split(separator: " ") { query.append("scope=" + Self.encoded(String(part))) }
    let separator = url.path.contains("?") ? "&" : "?"
    let request = Request("GET", (url.path.isEmpty ? "/" : url.path) + separator + query.joined(separator: "&"))
    let connection = Connection(lane: lane, endpoint: endpoint)
    defer { lane.retire(connection) }
    try await connection.exchange(request, authorization: basic, into: .collect(atMost: 1 << 20))
    guard connection.head.status == 200 else { throw connection.refused(request) }
    let text = String(decoding: connection.collected, as: UTF8.self)
    guard let token = FlatJSON.string("token", in: text) ?? FlatJSON.string("access_token", in: text) else {
      throw LoadError(.protocol, "\(realm): the answer has neither token nor access_token")
    }
    return token
  }

  /// The parameters of a challenge (RFC 9110, 11.2), names in lower case.
  static func parameters(_ challenge: String) -> [String: String] {
    var values: [String: String] = [:]
    var rest = challenge.drop { $0 != " " }
    while !rest.isEmpty {
      rest = rest.drop { $0 == " " || $0 == "," }
      guard let equals = rest.firstIndex(of: "=") else { break }
      let name = rest[..<equals].lowercased()
      rest = rest[rest.index(after: equals)...]
      var value = ""
      if rest.first == "\"" {
        rest.removeFirst()
        while let character = rest.popFirst(), character != "\"" {
          value.append(character == "\\" ? rest.popFirst() ?? character : character)
        }
      } else {
        value = String(rest.prefix { $0 != "," && $0 != " " })
        rest = rest.dropFirst(value.count)
      }
      values[name] = value
    }
    return values
  }

  private static func encoded(_ text: String) -> String {
    var output = ""
    for byte in text.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if byte < 128, character.isLetter || character.isNumber || "-._~".contains(character) {
        output.append(character)
      } else {
        output += "%" + Hexadecimal.text([byte]).uppercased()
      }
    }
    return output
  }
}

/// Base64 with padding (RFC 4648, 4).
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0..<4 {
        output.append(place <= group.count ? digits[word >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}

/// Reads single strings out of JSON documents whose other contents do not matter.
enum FlatJSON {
  /// The string of a key at the top level of an object; nil where there is none.
  static func string(_ key: String, in text: String) -> String? {
    var rest = Substring(text)
    while let range = rest.firstRange(of: "\"\(key)\"") {
      rest = rest[range.upperBound...].drop { $0.isWhitespace }
      guard rest.first == ":" else { continue }
      rest = rest.dropFirst().drop { $0.isWhitespace }
      guard rest.first == "\"" else { continue }
      rest.removeFirst()
      var value = ""
      while let character = rest.popFirst(), character != "\"" {
        value.append(character == "\\" ? rest.popFirst() ?? character : character)
      }
      return value
    }
    return nil
  }
}
