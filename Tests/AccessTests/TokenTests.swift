// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryCryptography
import GantryOCI
import GantryPatterns
import GantryTestKit
import GantryTokenMint
import GantryWorld
import Testing

/// Tokens of somebody else's: which count, and what they say.
struct TokenTests {
  static let rootsPath = "/roots.pem"
  static let keysPath = "/keys.json"

  /// Keys are dear to make, so all tests share them.
  static let root = MintCertificate("root", MintKey("EC:P-256"), isAuthority: true)
  static let rsa = MintKey("RSA:2048")
  static let p384 = MintKey("EC:P-384")
  static let p521 = MintKey("EC:P-521")
  static let edwards = MintKey("ED25519")
  static let secret = [UInt8](repeating: 0x5A, count: 64)

  static func keySet(_ more: String = "") -> String {
    """
    {"keys":[{"kid":"rsa",\(MintToken.members(of: rsa))},{"kid":"p384",\(MintToken.members(of: p384))},
    {"kid":"p521",\(MintToken.members(of: p521))},{"kid":"ed",\(MintToken.members(of: edwards))},
    {"kty":"oct","kid":"oct","k":"\(MintToken.base64URL(secret))"}\(more)]}
    """
  }

  /// Access control with the root's certificate and the key set.
  static func setting(
    _ rules: AccessRules? = nil, roots: String? = root.pem, keys: String? = keySet(),
    algorithms: Set<SignatureAlgorithm> = TokenMethod.algorithmsDefault, starts: Bool = true
  ) throws -> Setting {
    let method = TokenMethod(
      realm: "https://auth.test/token", service: "Kegistry", issuer: "issuer",
      rootCertificates: roots.map { _ in rootsPath },
      keySet: keys.map { _ in keysPath }, algorithms: algorithms)
    let setting = Setting(rules: rules, method: .token(method))
    if let roots { setting.write(roots, to: rootsPath) }
    if let keys { setting.write(keys, to: keysPath) }
    if starts { try setting.start() }
    return setting
  }

  /// Claims that let alice pull from a and push to it, with some of them replaced or, by an empty text, left out.
  static func claims(_ setting: Setting, _ changes: KeyValuePairs<String, String> = [:]) -> String {
    let now = setting.simulation.world.clock.now.seconds
    var members = [
      ("iss", #""issuer""#), ("sub", #""alice""#), ("aud", #""Kegistry""#), ("exp", "\(now + 300)"),
      ("nbf", "\(now - 10)"), ("iat", "\(now)"), ("jti", #""1""#),
      ("access", #"[{"type":"repository","class":"","name":"a","actions":["pull","push"]}]"#),
    ]
    for (name, text) in changes { members = members.map { $0.0 == name ? (name, text) : $0 } }
    for (name, text) in changes where !members.contains(where: { $0.0 == name }) { members.append((name, text)) }
    return "{\(members.filter { !$0.1.isEmpty }.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}"
  }

  static func fault(_ setting: Setting, _ token: String) -> TokenFault? {
    do throws(AccessError) {
      _ = try setting.caller("Bearer \(token)")
      return nil
    } catch {
      guard case .tokenRefused(let fault) = error else {
        Issue.record("\(error)")
        return nil
      }
      return fault
    }
  }

  /// A token by the RSA key of the key set.
  static func token(_ claims: String, header: String = #","kid":"rsa""#) -> String {
    MintToken.token(rsa, "RS256", header: header, claims)
  }

  @Test("Every algorithm is taken, by the names that keys are known by")
  func algorithms() throws {
    let setting = try Self.setting()
    let claims = Self.claims(setting)
    let keys: [(MintKey, String, [String])] = [
      (Self.rsa, "rsa", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]), (Self.p384, "p384", ["ES384"]),
      (Self.p521, "p521", ["ES512"]), (Self.edwards, "ed", ["EdDSA"]), (Self.root.key, "", ["ES256"]),
    ]
    for (key, name, algorithms) in keys {
      for algorithm in algorithms {
        let thumbprint = Self.thumbprint(of: key)
        for id in [name, thumbprint, Self.fingerprint(of: key)] where !id.isEmpty {
          let token = MintToken.token(key, algorithm, header: #","kid":"\#(id)""#, claims)
          for _ in 1...2 { #expect(try setting.caller("Bearer \(token)").name == "alice", "\(algorithm) \(id)") }
        }
        let jwk = #","jwk":{\#(MintToken.members(of: key))}"#
        #expect(try setting.caller("bearer \(MintToken.token(key, algorithm, header: jwk, claims))").name == "alice")
      }
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
      let token = MintToken.token(#"{"alg":"\#(algorithm)","kid":"oct"}"#, claims) {
        MintToken.code($0, secret: Self.secret, algorithm)
      }
      #expect(try setting.caller("Bearer \(token)").name == "alice", "\(algorithm)")
    }
    // What Distribution v3 computes for every key of P-256.
    let generator = #","kid":"xx0BcA-wMohw8atYDJOe6peGModklG2wRHBlXHMvl0M""#
    #expect(
      try setting.caller("Bearer \(MintToken.token(Self.root.key, "ES256", header: generator, claims))").name == "alice"
    )
    #expect(setting.reported == [])
  }

  /// RFC 7638, written out once more.
  static func thumbprint(of key: MintKey) -> String {
    let members = MintToken.members(of: key).split(separator: ",").sorted().joined(separator: ",")
    return MintToken.base64URL(digest(Array("{\(members)}".utf8), .sha256))
  }

  /// libtrust's, written out once more.
  static func fingerprint(of key: MintKey) -> String {
    let bits = digest(key.publicBytes, .sha256).prefix(30).flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    let text = stride(from: 0, to: 240, by: 5).map { at in digits[bits[at..<(at + 5)].reduce(0) { $0 * 2 + Int($1) }] }
    return stride(from: 0, to: 48, by: 4).map { String(text[$0..<($0 + 4)]) }.joined(separator: ":")
  }

  @Test("A thumbprint is that of RFC 7638's example")
  func thumbprintOfTheExample() throws {
    // RFC 7638 section 3.1.
    let modulus =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
      + "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
      + "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
      + "wapJzKnqDKgw"
    // Only its name can be tried: nobody has the private half.
    let setting = try Self.setting(
      roots: nil, keys: #"{"keys":[{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB","n":"\#(modulus)"}]}"#)
    let claims = Self.claims(setting)
    for (id, fault) in [
      ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", TokenFault.signature), ("2011-04-29", .signature),
      ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt", .keyUnknown("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt")),
    ] {
      #expect(Self.fault(setting, Self.token(claims, header: #","kid":"\#(id)""#)) == fault, "\(id)")
    }
  }

  @Test("Chains of certificates lead to the key; with a jwk beside them it must be the same")
  func chains() throws {
    let setting = try Self.setting()
    let now = Int(setting.simulation.world.clock.now.seconds)
    let claims = Self.claims(setting)
    let key = MintKey("EC:P-256")
    let middle = MintCertificate("middle", MintKey("EC:P-256"), by: Self.root, isAuthority: true)
    let leaf = MintCertificate("leaf", key, by: middle, from: now - 100, until: now + 100)
    func header(_ chain: [MintCertificate]) -> String {
      #""x5c":[\#(chain.map { "\"\(MintToken.base64($0.bytes))\"" }.joined(separator: ","))]"#
    }
    func token(_ header: String) -> String { MintToken.token(key, "ES256", header: ",\(header)", claims) }
    let members = MintToken.members(of: key)
    #expect(try setting.caller("Bearer \(token(header([leaf, middle])))").name == "alice")
    #expect(try setting.caller("Bearer \(token(#""jwk":{\#(members),\#(header([leaf, middle]))}"#))").name == "alice")
    let other = MintToken.members(of: Self.p384)
    let late = MintCertificate("leaf", key, by: middle, from: now + 100)
    let gone = MintCertificate("leaf", key, by: middle, until: now - 100)
    let stranger = MintCertificate("leaf", key, by: MintCertificate("root", key, isAuthority: true))
    for bad in [
      header([leaf]), header([late, middle]), header([gone, middle]), header([stranger]),
      header([MintCertificate("self", key)]), header(Array(repeating: leaf, count: 40)), #""x5c":["!"]"#,
      #""x5c":["AAAA"]"#,
      #""x5c":["\#(MintToken.base64URL(leaf.bytes))-"]"#,
    ] {
      guard case .certificates = Self.fault(setting, token(bad)) else {
        Issue.record("\(bad.prefix(80)): \(String(describing: Self.fault(setting, token(bad))))")
        continue
      }
    }
    #expect(Self.fault(setting, token(#""jwk":{\#(other),\#(header([leaf, middle]))}"#)) == .keyContradiction)
    // A trusted chain in the header of a token that somebody else signed.
    let theirs = MintToken.token(MintKey("EC:P-256"), "ES256", header: ",\(header([leaf, middle]))", claims)
    #expect(Self.fault(setting, theirs) == .signature)
    // The certificates expire before the token does, and the cache does not hide it for long.
    setting.simulation.wallClock.shift(by: .seconds(301))
    let later = MintToken.token(key, "ES256", header: ",\(header([leaf, middle]))", Self.claims(setting))
    guard case .certificates = Self.fault(setting, later) else {
      Issue.record("an expired certificate")
      return
    }
  }

  @Test("Nobody signs with what is public, with nothing, or with a key of their own")
  func forgeries() throws {
    let setting = try Self.setting()
    let claims = Self.claims(setting)
    let mine = MintKey("RSA:2048")
    let good = Self.token(claims)
    #expect(try setting.caller("Bearer \(good)").name == "alice")
    let parts = good.split(separator: ".").map(String.init)
    let pem = Array(
      "-----BEGIN PUBLIC KEY-----\n\(MintToken.base64(Self.rsa.publicBytes))\n-----END PUBLIC KEY-----\n".utf8)
    func coded(_ secret: [UInt8]) -> String {
      MintToken.token(#"{"alg":"HS256","kid":"rsa"}"#, claims) { MintToken.code($0, secret: secret, "HS256") }
    }
    func unsigned(_ algorithm: String) -> String {
      MintToken.token(#"{"alg":"\#(algorithm)","kid":"rsa"}"#, claims) { _ in [] }
    }
    let cases: [(String, TokenFault)] = [
      (unsigned("none"), .algorithm("none")), (unsigned("None"), .algorithm("None")), (unsigned(""), .algorithm("")),
      (unsigned("RS256"), .signature), (unsigned("HS256"), .signature),
      (MintToken.token(#"{"kid":"rsa"}"#, claims) { _ in [] }, .algorithm("")),
      (coded(pem), .signature), (coded(Self.rsa.publicBytes), .signature), (coded([]), .signature),
      (MintToken.token(mine, "RS256", header: #","kid":"rsa""#, claims), .signature),
      (
        MintToken.token(
          mine, "RS256", header: #","kid":"rsa","jwk":{"kid":"rsa",\#(MintToken.members(of: mine))}"#, claims),
        .keyUnknown("rsa")
      ),
      (MintToken.token(mine, "RS256", header: #","kid":"mine""#, claims), .keyUnknown("mine")),
      (MintToken.token(mine, "RS256", claims), .keyMissing),
      (MintToken.token(Self.rsa, "RS256", claims), .keyMissing),
      (Self.token(claims, header: #","kid":"""#), .keyMissing),
      (Self.token(claims, header: #","kid":"p384""#), .signature),
      (Self.token(claims, header: #","kid":"rsa","crit":["exp"]"#), .critical),
      (Self.token(claims, header: #","kid":"rsa","crit":[]"#), .critical),
      (Self.token(claims, header: #","kid":"rsa","crit":null"#), .critical),
      ("\(parts[0]).\(parts[1]).", .signature),
      (
        "\(parts[0]).\(MintToken.base64URL(Array(Self.claims(setting, ["sub": #""root""#]).utf8))).\(parts[2])",
        .signature
      ),
    ]
    for (token, fault) in cases { #expect(Self.fault(setting, token) == fault, "\(fault)") }
    // A secret that is too short for its hash, and a key that is for another algorithm, or for encryption.
    let short = [UInt8](repeating: 1, count: 31)
    let keys = """
      {"keys":[{"kty":"oct","kid":"short","k":"\(MintToken.base64URL(short))"},
      {"kid":"rs512","alg":"RS512",\(MintToken.members(of: Self.rsa))},
      {"kid":"enc","use":"enc",\(MintToken.members(of: mine))}]}
      """
    let narrow = try Self.setting(roots: nil, keys: keys)
    let token = MintToken.token(#"{"alg":"HS256","kid":"short"}"#, claims) {
      MintToken.code($0, secret: short, "HS256")
    }
    #expect(Self.fault(narrow, token) == .signature)
    #expect(Self.fault(narrow, Self.token(claims, header: #","kid":"rs512""#)) == .signature)
    #expect(Self.fault(narrow, MintToken.token(mine, "RS256", header: #","kid":"enc""#, claims)) == .keyUnknown("enc"))
    let few = try Self.setting(algorithms: [.es256])
    #expect(Self.fault(few, good) == .algorithm("RS256"))
  }

  @Test("Claims count when they are ours and of now, to the second")
  func claims() throws {
    let setting = try Self.setting()
    let now = setting.simulation.world.clock.now.seconds
    let good: [KeyValuePairs<String, String>] = [
      ["aud": #"["other","Kegistry"]"#], ["nbf": ""], ["iat": "", "jti": "", "access": ""], ["access": "null"],
      ["exp": "\(now - 59)"], ["nbf": "\(now + 60)"], ["exp": "\(now + 9).75"], ["exp": "9223372036854775807"],
      ["nbf": "-9223372036854775808"], ["iat": "\(now + 99999)"], ["more": #"{"a":[{"b":[1]}]}"#],
      ["access": #"[{"type":"x","name":"y","actions":null}]"#],
    ]
    for changes in good { #expect(Self.fault(setting, Self.token(Self.claims(setting, changes))) == nil, "\(changes)") }
    let bad: [(KeyValuePairs<String, String>, TokenFault)] = [
      (["iss": #""Issuer""#], .issuer("Issuer")), (["iss": ""], .issuer("")), (["aud": #""other""#], .audience),
      (["aud": ""], .audience), (["aud": "[]"], .audience), (["aud": #""\u212Aegistry""#], .audience),
      (["exp": ""], .expired), (["exp": "\(now - 61)"], .expired), (["exp": "-1"], .expired),
      (["exp": "-9223372036854775808"], .expired), (["nbf": "\(now + 62)"], .early),
      (["nbf": "9223372036854775807"], .early), (["nbf": "\(now + 1_000_000_000)"], .early),
    ]
    for (changes, fault) in bad {
      #expect(Self.fault(setting, Self.token(Self.claims(setting, changes))) == fault, "\(changes)")
    }
    let strange: [KeyValuePairs<String, String>] = [
      ["exp": #""4000000000""#], ["exp": "1e400"], ["exp": "[]"], ["iss": "1"], ["aud": "{}"], ["aud": "[1]"],
      ["sub": "[]"], ["sub": "\"\(String(repeating: "x", count: 1025))\""], ["iat": #""x""#], ["jti": "7"],
      ["access": "{}"], ["access": #"["pull"]"#],
      ["access": #"[{"type":1}]"#], ["access": #"[{"type":"repository","name":"a","actions":"pull"}]"#],
      ["access": #"[{"type":"repository","name":"a","actions":[["pull"]]}]"#],
      ["access": #"[{"type":"repository","name":"a","name":"b","actions":[]}]"#], ["more": #"1,"iss":"issuer""#],
      ["more": #"1,"i\u0073s":"issuer""#], ["more": "[[[[[[[[[]]]]]]]]]"], ["more": "tru"], ["more": "1} "],
    ]
    for changes in strange {
      guard case .member = Self.fault(setting, Self.token(Self.claims(setting, changes))) else {
        Issue.record(
          "\(changes): \(String(describing: Self.fault(setting, Self.token(Self.claims(setting, changes)))))")
        continue
      }
    }
    // While it counts it is remembered; then it is not.
    let token = Self.token(Self.claims(setting))
    for _ in 0..<6 {
      #expect(Self.fault(setting, token) == nil)
      setting.simulation.wallClock.shift(by: .seconds(60))
    }
    setting.simulation.wallClock.shift(by: .seconds(2))
    #expect(Self.fault(setting, token) == .expired)
    setting.simulation.wallClock.shift(by: .seconds(-1000))
    #expect(Self.fault(setting, token) == .early)
  }

  @Test("What is no token is told from what is a wrong one, and ends nothing")
  func garbage() throws {
    let setting = try Self.setting()
    let claims = Self.claims(setting)
    let good = Self.token(claims)
    let parts = good.split(separator: ".").map(String.init)
    for text in [
      "x", "..", "...", ".\(parts[1]).\(parts[2])", "\(good).", "\(good).\(parts[2])", ".\(good)", "\(good)=",
      "\(good)\n", "\(good) ", parts[0] + "=." + parts[1] + "." + parts[2], "\(parts[0]).\(parts[1])",
      "\(parts[0]).\(parts[1]).A", "\(parts[0]).\(parts[1]).+/", "\u{212A}.a.b",
    ] {
      let fault = Self.fault(setting, text)
      if case .member? = fault { continue }
      #expect(fault == .malformed, "\(text.prefix(20))")
    }
    // The last digit has bits that mean nothing: only one way to write them is taken.
    let last = parts[1].last == "A" ? "B" : "A"
    #expect(Self.fault(setting, "\(parts[0]).\(parts[1].dropLast())\(last).\(parts[2])") != nil)
    let long = Self.token(Self.claims(setting, ["more": "\"\(String(repeating: "x", count: 100_000))\""]))
    #expect(Self.fault(setting, long) == .tooLong(bytesMax: 32768))
    let wide = Self.token(Self.claims(setting, ["more": "[\(String(repeating: "1,", count: 10_000))1]"]))
    #expect(Self.fault(setting, wide) == nil)
    for header in [
      "", "{}x", "[]", "1", #""x""#, "{\"alg\":1}", "{\"alg\":\"RS256\",\"kid\":1}", "{\"alg\":\"RS256\",\"jwk\":[]}",
    ] {
      guard case .member = Self.fault(setting, MintToken.token(header, claims) { Self.rsa.sign($0, "RS256") }) else {
        Issue.record("\(header)")
        continue
      }
    }
    for authorization in ["Bearer", "Bearer ", "Basic YTpi", "Digest x", "\(good)", ""] {
      let error = #expect(throws: AccessError.self) { try setting.caller(authorization) }
      if case .tokenRefused(.malformed)? = error { continue }
      #expect(error == .credentialsRefused, "\(authorization)")
    }
    #expect(throws: AccessError.credentialsRefused) { try setting.caller("Bearer \(good)", "Bearer \(good)") }
    #expect(Self.fault(setting, good) == nil)
  }

  @Test("What was found right is known at once, until it is not right any more")
  func remembered() throws {
    let setting = try Self.setting()
    let field = "Bearer " + Self.token(Self.claims(setting))
    #expect(setting.remembered(field) == nil)
    let caller = try setting.caller(field)
    #expect(setting.remembered(field) == caller && caller.name == "alice")
    #expect(setting.remembered() == .anonymous && setting.remembered(field, field) == nil)
    #expect(setting.remembered("Bearer x") == nil && setting.remembered("Basic YTpi") == nil)
    // The files have to be looked at again.
    setting.simulation.wallClock.shift(by: .seconds(1))
    #expect(setting.remembered(field) == nil)
    #expect(try setting.caller(field) == caller && setting.remembered(field) == caller)
    setting.simulation.wallClock.shift(by: .seconds(361))
    #expect(setting.remembered(field) == nil)
    #expect(throws: AccessError.tokenRefused(.expired)) { try setting.caller(field) }
    #expect(setting.remembered(field) == nil)
    let passwords = Setting(groups: true)
    passwords.write(Setting.line("alice", "one"))
    passwords.write("dev: alice\n", to: Setting.groupsPath)
    try passwords.start()
    passwords.simulation.wallClock.shift(by: .seconds(5))
    let basic = Setting.basic("alice", "one")
    #expect(passwords.remembered(basic) == nil)
    let alice = try passwords.caller(basic)
    #expect(passwords.remembered(basic) == alice && alice.groups == ["dev"])
    #expect(passwords.remembered(Setting.basic("alice", "two")) == nil)
    #expect(passwords.remembered(Setting.basic("bob", "one")) == nil)
    passwords.write("ops: alice\n", to: Setting.groupsPath)
    #expect(passwords.remembered(basic) == nil)
    passwords.write("")
    #expect(passwords.remembered(basic) == nil)
  }

  @Test("Key files are read again when they change; a key that is gone counts no more")
  func reloads() throws {
    let setting = try Self.setting()
    let (byRoot, bySet) = (#","kid":"\#(Self.thumbprint(of: Self.root.key))""#, #","kid":"rsa""#)
    func faults() -> (TokenFault?, TokenFault?) {
      (
        Self.fault(setting, MintToken.token(Self.root.key, "ES256", header: byRoot, Self.claims(setting))),
        Self.fault(setting, Self.token(Self.claims(setting), header: bySet))
      )
    }
    let remembered = Self.token(Self.claims(setting))
    #expect(faults() == (nil, nil) && Self.fault(setting, remembered) == nil)
    setting.write(#"{"keys":[]}"#, to: Self.keysPath)
    setting.simulation.wallClock.shift(by: .seconds(1))
    #expect(faults() == (nil, .keyUnknown("rsa")) && Self.fault(setting, remembered) == .keyUnknown("rsa"))
    // A file that says nothing lets nobody in, whichever file it is; nor does one that is gone.
    for text in ["{\"keys\":", "[]", "{\"keys\":{}}", ""] {
      setting.write(text, to: Self.keysPath)
      setting.simulation.wallClock.shift(by: .seconds(1))
      guard
        case .unusable(Self.keysPath, _)? = #expect(
          throws: AccessError.self, performing: { try setting.caller("Bearer \(remembered)") })
      else {
        Issue.record("\(text)")
        continue
      }
    }
    setting.write(Self.keySet(), to: Self.keysPath)
    setting.remove(Self.rootsPath)
    setting.simulation.wallClock.shift(by: .seconds(1))
    #expect(throws: AccessError.self) { try setting.caller("Bearer \(remembered)") }
    setting.write("no certificates\n", to: Self.rootsPath)
    setting.simulation.wallClock.shift(by: .seconds(1))
    #expect(Self.fault(setting, remembered) == nil)
    setting.write(#"{"keys":[]}"#, to: Self.keysPath)
    setting.simulation.wallClock.shift(by: .seconds(1))
    guard
      case .unusable? = #expect(throws: AccessError.self, performing: { try setting.caller("Bearer \(remembered)") })
    else {
      Issue.record("no key at all")
      return
    }
    // A call reads at once what a request would find out within a second.
    setting.write(Self.keySet(), to: Self.keysPath)
    try setting.reload()
    #expect(Self.fault(setting, remembered) == nil)
  }

  @Test("What is wrong in a file of keys is named; the rest of it counts")
  func keyFiles() throws {
    let keys = Self.keySet(
      #",{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256"},1"#)
    let roots = """
      Bag Attributes: none
      -----BEGIN PRIVATE KEY-----
      AAAA
      -----END PRIVATE KEY-----
      -----BEGIN CERTIFICATE-----
      AAAA
      -----END CERTIFICATE-----
      \(Self.root.pem.replacing("\n", with: "\r\n"))
      -----BEGIN CERTIFICATE-----
      """
    let setting = try Self.setting(roots: roots, keys: keys)
    #expect(Self.fault(setting, Self.token(Self.claims(setting))) == nil)
    let byRoot = #","kid":"\#(Self.fingerprint(of: Self.root.key))""#
    #expect(Self.fault(setting, MintToken.token(Self.root.key, "ES256", header: byRoot, Self.claims(setting))) == nil)
    let told = setting.reported.map(\.description)
    #expect(told.count == 6, "\(told)")
    for part in [
      "/roots.pem:5: skipped: not a certificate", "keys[5]: an RSA key of 17 bits", "keys[6]: a secret without a kid",
      "keys[7]: the key has no x", "keys[8]: the key is no object",
    ] {
      #expect(told.contains { $0.contains(part) }, "\(part): \(told)")
    }
    let empty = try Self.setting(roots: "", keys: nil, starts: false)
    guard case .unusable(Self.rootsPath, _)? = #expect(throws: AccessError.self, performing: { try empty.start() })
    else {
      Issue.record("a bundle without a certificate")
      return
    }
  }

  @Test("A token allows what it says; where there are rules, they must allow it as well")
  func grants() throws {
    let open = try Self.setting()
    let rules = AccessRules([
      AccessRule(subjects: [.anyone], repositories: [try Glob("public/*")], actions: [.pull]),
      AccessRule(subjects: [.user("alice")], repositories: [try Glob("a")], actions: [.pull, .push, .catalog]),
    ])
    let ruled = try Self.setting(rules)
    let a = try RepositoryName(parsing: "a")
    let b = try RepositoryName(parsing: "b")
    let shared = try RepositoryName(parsing: "public/x")
    func caller(_ setting: Setting, _ access: String, sub: String = "alice") throws -> Caller {
      try setting.caller("Bearer " + Self.token(Self.claims(setting, ["access": access, "sub": "\"\(sub)\""])))
    }
    func on(_ name: String, _ actions: String) -> String {
      #"{"type":"repository","name":"\#(name)","actions":[\#(actions)]}"#
    }
    let cases: [(String, AccessAction, RepositoryName, Verdict, Verdict)] = [
      (on("a", #""pull""#), .pull, a, .granted, .granted),
      (on("a", #""pull""#), .push, a, .scopeMissing, .scopeMissing),
      (on("a", #""push""#), .push, a, .scopeMissing, .scopeMissing),
      (on("a", #""push""#) + "," + on("a", #""pull""#), .push, a, .granted, .granted),
      (on("a", #""*""#), .push, a, .granted, .granted), (on("a", #""*""#), .delete, a, .granted, .denied),
      (on("b", #""*""#), .pull, b, .granted, .denied), (on("b", #""pull""#), .pull, a, .scopeMissing, .scopeMissing),
      (on("a/", #""pull""#), .pull, a, .scopeMissing, .scopeMissing),
      (on("public/x", #""pull","push""#), .pull, shared, .granted, .granted),
      (on("a", #""pull""#), .pull, shared, .scopeMissing, .granted),
      (#"{"type":"repository(plugin)","name":"a","actions":["pull"]}"#, .pull, a, .scopeMissing, .scopeMissing),
    ]
    for (access, action, name, withoutRules, withRules) in cases {
      let access = "[\(access)]"
      #expect(
        open.control.verdict(action, to: try caller(open, access), on: name) == withoutRules, "\(access) \(action)")
      #expect(
        ruled.control.verdict(action, to: try caller(ruled, access), on: name) == withRules, "\(access) \(action)")
    }
    #expect(open.control.verdict(.pull, to: .anonymous, on: shared) == .denied)
    #expect(ruled.control.verdict(.pull, to: .anonymous, on: shared) == .granted)
    let nobody = try caller(ruled, "[\(on("a", #""*""#))]", sub: "")
    #expect(nobody.name == nil && nobody.credentials == .token)
    #expect(ruled.control.verdict(.push, to: nobody, on: a) == .denied)
    for (access, verdict) in [
      (#"{"type":"registry","name":"catalog","actions":["*"]}"#, Verdict.granted),
      (#"{"type":"registry","name":"catalog","actions":["pull"]}"#, .scopeMissing),
      (on("catalog", #""*""#), .scopeMissing),
    ] {
      for setting in [open, ruled] {
        let caller = try caller(setting, "[\(access)]")
        #expect(setting.control.catalogVerdict(for: caller) == verdict, "\(access)")
        #expect(setting.control.lists(a, for: caller) == (verdict == .granted))
        #expect(setting.control.lists(b, for: caller) == (verdict == .granted && setting === open))
      }
    }
  }
}
