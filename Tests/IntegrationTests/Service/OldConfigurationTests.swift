// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTokenMint
import Glibc
import Testing

/// Configurations, htpasswd files and token setups that were written for Distribution run as they are; what a test
/// machine must have otherwise (paths and ports) is said by the environment, as operators of containers do.
@Suite("Configurations of Distribution", .serialized)
struct OldConfigurationTests {
  /// As operators of 2.8 have it, comments, quotes and obsolete keys included.
  private static let configuration2 = """
    version: 0.1
    log:
      accesslog:
        disabled: true
      level: info
      formatter: json
      fields:
        service: registry
        environment: production
    loglevel: debug # deprecated: use "log"
    storage:
      filesystem:
        rootdirectory: /var/lib/registry
        maxthreads: "100"
      delete:
        enabled: true
      redirect:
        disable: false
      cache:
        blobdescriptor: inmemory
      maintenance:
        uploadpurging:
          enabled: true
          age: 168h
          interval: 24h
          dryrun: false
        readonly:
          enabled: false
    AUTH
    http:
      addr: :5000
      net: tcp
      host: https://registry.example.com
      secret: asecretforlocaldevelopment
      relativeurls: false
      draintimeout: 60s
      headers:
        X-Content-Type-Options: [nosniff]
        Access-Control-Allow-Origin: ['https://ui.example.com']
        Access-Control-Allow-Methods: ['HEAD', 'GET', 'OPTIONS', 'DELETE']
        Access-Control-Allow-Headers: ['Authorization', 'Accept', 'Cache-Control']
        Access-Control-Max-Age: [1728000]
        Access-Control-Allow-Credentials: [true]
        Access-Control-Expose-Headers: ['Docker-Content-Digest']
      http2:
        disabled: false
      debug:
        addr: localhost:5001
        prometheus:
          enabled: true
          path: /metrics
    health:
      storagedriver:
        enabled: true
        interval: 10s
        threshold: 3
    compatibility:
      schema1:
        enabled: true
    validation:
      manifests:
        urls:
          allow:
            - ^https?://([^/]+\\.)*example\\.com/
          deny:
            - ^https?://www\\.example\\.com/

    """

  private static let configuration3 = """
    version: 0.1
    log:
      level: warn
      fields:
        service: registry
    storage:
      filesystem:
        rootdirectory: /var/lib/registry
      tag:
        concurrencylimit: 8
      delete: {enabled: true}
      cache:
        blobdescriptor: inmemory
        blobdescriptorsize: 5000
    catalog:
      maxentries: 500
    tags:
      maxtags: 500
    AUTH
    http:
      addr: :5000
      headers:
        X-Content-Type-Options: [nosniff]
      h2c:
        enabled: false
      debug:
        addr: :5001
    validation:
      manifests:
        indexes:
          platforms: list
          platformlist:
            - architecture: amd64
              os: linux
    health:
      storagedriver:
        enabled: true
        interval: 10s
        threshold: 3

    """

  private static let htpasswd2 = """
    auth:
      htpasswd:
        realm: basic-realm
        path: /etc/docker/registry/htpasswd
    """

  private static let htpasswd3 = """
    auth:
      htpasswd:
        realm: Registry
        path: /etc/distribution/htpasswd
    """

  /// As docker_auth and Portus had it described: a certificate, and key ids by its fingerprint.
  private static let token2 = """
    auth:
      token:
        autoredirect: false
        realm: https://auth.example.com/token
        service: "registry.example.com"
        issuer: "Auth of example.com"
        rootcertbundle: /etc/docker/registry/token.crt
    """

  private static let token3 = """
    auth:
      token:
        realm: https://auth.example.com/token
        service: registry.example.com
        issuer: Auth of example.com
        jwks: /etc/distribution/jwks.json
        signingalgorithms:
          - RS256
          - ES256
    """

  /// A registry that runs a configuration as it was written, with this section of access.
  private final class OldSetup {
    let child: ChildProcess
    let client: HTTPClient
    let operations: HTTPClient
    private let scratch: Scratch
    var log: String { Files.text("\(scratch.path)/stderr.log") }

    init(_ generation: Int, auth: String, environment: [String: String], in scratch: Scratch) throws {
      self.scratch = scratch
      let text = generation == 2 ? OldConfigurationTests.configuration2 : OldConfigurationTests.configuration3
      try Files.write(text.replacing("AUTH", with: auth), to: "\(scratch.path)/config.yml")
      let (port, debug) = (try freePort(), try freePort())
      client = HTTPClient(.ip4(port: port))
      operations = HTTPClient(.ip4(port: debug))
      child = try RegistryProcess.spawn(
        ["serve", "\(scratch.path)/config.yml"],
        environment: [
          "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "\(scratch.path)/data",
          "REGISTRY_HTTP_ADDR": "127.0.0.1:\(port)", "REGISTRY_HTTP_DEBUG_ADDR": "127.0.0.1:\(debug)",
        ].merging(environment) { $1 }, scratch: scratch)
    }

    /// The answer to nobody in particular, once there is one.
    func base() -> Response? {
      for _ in 0..<4000 {
        if let base = try? client.send("GET", "/v2/") { return base }  // refused until it listens
        if child.hasEnded(within: 5) { break }
      }
      return nil
    }

    /// Ends as from a terminal, which nobody's readiness is waited for at.
    func stop() {
      child.signal(SIGINT)
      #expect(child.hasEnded(within: 70_000) && child.exitCode == 0, "\(log)")
    }
  }

  /// bcrypt in its three spellings, a comment, a blank line, and lines of other hashes, with which nobody gets in.
  private static func users(_ hashes: [String]) -> String {
    var text = "# registry users\n\n"
    for (name, hash) in zip(["alice", "bob", "carol"], hashes) { text += "\(name):\(hash)\n" }
    return text + "old:$apr1$5xmW0hyA$gYJqgZOHtYLkw4kWfO3Kb.\nplain:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n  \n"
  }

  @Test(
    "It starts unchanged and lets in who was let in", .enabled(if: Peers.has("htpasswd"), "htpasswd is not installed"),
    arguments: [2, 3])
  func runsUnchanged(_ generation: Int) throws {
    let scratch = try Scratch()
    let hash = String(
      try Command.run(["htpasswd", "-nbBC", "5", "x", "wonder"], in: scratch).output.trimmed().split(
        separator: ":", maxSplits: 1)[1].prefix(60))
    let spellings = ["$2y$", "$2b$", "$2a$"].map { $0 + hash.dropFirst(4) }
    try Files.write(Self.users(spellings), to: "\(scratch.path)/htpasswd")
    let setup = try OldSetup(
      generation, auth: generation == 2 ? Self.htpasswd2 : Self.htpasswd3,
      environment: ["REGISTRY_AUTH_HTPASSWD_PATH": "\(scratch.path)/htpasswd"], in: scratch)
    let base = setup.base()
    #expect(base?.status == 401, "\(setup.log)")
    #expect(base?["WWW-Authenticate"] == "Basic realm=\"\(generation == 2 ? "basic-realm" : "Registry")\"")
    #expect(base?["X-Content-Type-Options"] == "nosniff")
    let client = setup.client
    // alice:wonder, bob:wonder, carol:wonder
    for credentials in ["YWxpY2U6d29uZGVy", "Ym9iOndvbmRlcg==", "Y2Fyb2w6d29uZGVy"] {
      let fields: [Field] = [("Authorization", "Basic \(credentials)")]
      expect(try client.send("GET", "/v2/", fields), 200)
      expect(try client.send("POST", "/v2/a/blobs/uploads/", fields), 202)
    }
    // alice:wrong, old:x, plain:secret
    for credentials in ["YWxpY2U6d3Jvbmc=", "b2xkOng=", "cGxhaW46c2VjcmV0"] {
      expect(try client.send("GET", "/v2/", [("Authorization", "Basic \(credentials)")]), 401)
    }
    expect(try setup.operations.send("GET", "/debug/health"), 200)
    expect(try setup.operations.send("GET", "/metrics"), generation == 2 ? 200 : 404)
    if generation == 2 {
      let preflight = try client.send(
        "OPTIONS", "/v2/a/manifests/x",
        [("Origin", "https://ui.example.com"), ("Access-Control-Request-Method", "DELETE")])
      expect(preflight, 200)
      #expect(preflight["Access-Control-Allow-Origin"] == "https://ui.example.com")
      #expect(preflight["Access-Control-Allow-Credentials"] == "true")
    }
    setup.stop()
  }

  @Test("Tokens of a setup as it was count, and no others", arguments: [2, 3])
  func tokensCountUnchanged(_ generation: Int) throws {
    let scratch = try Scratch()
    let (key, stranger) = (MintKey(generation == 2 ? "EC:P-256" : "RSA:2048"), MintKey("EC:P-256"))
    let trusted = "\(scratch.path)/trusted"
    let (algorithm, header): (String, String)
    if generation == 2 {
      try Files.write(MintCertificate("token server", key).pem, to: trusted)
      (algorithm, header) = ("ES256", #","kid":"\#(TokenLoginTests.fingerprint(of: key))""#)
    } else {
      try Files.write(#"{"keys":[{"kid":"2024","use":"sig",\#(MintToken.members(of: key))}]}"#, to: trusted)
      (algorithm, header) = ("RS256", #","kid":"2024""#)
    }
    let setup = try OldSetup(
      generation, auth: generation == 2 ? Self.token2 : Self.token3,
      environment: [generation == 2 ? "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE" : "REGISTRY_AUTH_TOKEN_JWKS": trusted],
      in: scratch)
    let base = setup.base()
    #expect(base?.status == 401, "\(setup.log)")
    #expect(
      base?["WWW-Authenticate"] == #"Bearer realm="https://auth.example.com/token",service="registry.example.com""#)
    let now = time(nil)
    func token(_ key: MintKey, _ algorithm: String, _ actions: String, issuer: String = "Auth of example.com") -> Field
    {
      let claims =
        #"{"iss":"\#(issuer)","sub":"alice","aud":"registry.example.com","exp":\#(now + 300),"nbf":\#(now - 10),"#
        + #""iat":\#(now),"jti":"1","access":[{"type":"repository","name":"team/app","actions":[\#(actions)]}]}"#
      return ("Authorization", "Bearer \(MintToken.token(key, algorithm, header: header, claims))")
    }
    let (client, uploads) = (setup.client, "/v2/team/app/blobs/uploads/")
    let pushes = token(key, algorithm, #""pull","push""#)
    expect(try client.send("POST", uploads, [pushes]), 202)
    expect(try client.send("GET", "/v2/", [pushes]), 200)
    expect(try client.send("POST", "/v2/other/blobs/uploads/", [pushes]), 401)
    expect(try client.send("POST", uploads, [token(key, algorithm, #""pull""#)]), 401)
    expect(try client.send("POST", uploads, [token(stranger, "ES256", #""pull","push""#)]), 401)
    expect(try client.send("POST", uploads, [token(key, algorithm, #""pull","push""#, issuer: "Somebody")]), 401)
    setup.stop()
  }
}
