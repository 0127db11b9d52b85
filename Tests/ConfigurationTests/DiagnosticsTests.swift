// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// What is said about faulty files: every fault, with file, line, column, key and what to do.
struct DiagnosticsTests {
  /// Lines after `base`, whose last line is `  addr: localhost:5000`; they begin in line 6.
  static let cases: [(added: String, expected: [String])] = [
    ("", []),
    (
      "  adrr: x\n",
      ["c.yml:6:3: warning: http.adrr: unknown key, ignored; did you mean \"addr\"?"]
    ),
    (
      "lgo:\n  level: debug\n",
      ["c.yml:6:1: warning: lgo: unknown key, ignored; did you mean \"log\"?"]
    ),
    (
      "draintimeout: 5s\n",
      ["c.yml:6:1: warning: draintimeout: unknown key, ignored; did you mean \"http.draintimeout\"?"]
    ),
    ("zzz: 1\n", ["c.yml:6:1: warning: zzz: unknown key, ignored"]),
    (
      "log:\n  Level: debug\n",
      ["c.yml:7:3: warning: log.Level: unknown key, ignored; did you mean \"level\"?"]
    ),
    (
      "  relativeurls: maybe\n  draintimeout: 5\n  headers: x\nlog: [a]\n",
      [
        "c.yml:6:17: error: http.relativeurls: expected true or false, found text \"maybe\"",
        "c.yml:8:12: error: http.headers: expected keys and values, found text \"x\"",
        "c.yml:9:6: error: log: expected keys and values, found a list",
      ]
    ),
    (
      "  relativeurls: 'true'\n",
      ["c.yml:6:17: error: http.relativeurls: expected true or false, found text \"true\""]
    ),
    (
      "  draintimeout: -5s\n",
      ["c.yml:6:17: error: http.draintimeout: -5s is too short: expected at least 0s"]
    ),
    (
      "  limits: {headtimeout: 10, headers: 0, headbytes: 10MB, linebytes: 1MiB, manifestbytes: 5TiB}\n",
      [
        "c.yml:6:25: error: http.limits.headtimeout: 10ns is too short: expected at least 100ms "
          + "(a bare number counts nanoseconds)",
        "c.yml:6:38: error: http.limits.headers: 0 is out of range: expected 8 to 10000",
        "c.yml:6:52: error: http.limits.headbytes: expected a number of bytes, such as 65536 or \"64KiB\", "
          + "found text \"10MB\"",
        "c.yml:6:69: error: http.limits.linebytes: a line cannot be longer than the whole head (headbytes)",
        "c.yml:6:90: error: http.limits.manifestbytes: expected a number of bytes, such as 65536 or \"64KiB\", "
          + "found text \"5TiB\"",
      ]
    ),
    (
      "log: {level: verbose, formatter: jsno}\n",
      [
        "c.yml:6:14: error: log.level: \"verbose\" is none of error, warn, info, debug",
        "c.yml:6:34: error: log.formatter: \"jsno\" is none of text, json, logstash; did you mean \"json\"?",
      ]
    ),
    ("loglevel: INFO\n", []),
    ("  tls:\n    certificate: /c\n    key: /k\n", []),
    ("  tls: {}\n", []),
    ("  tls: {key: /k}\n", ["c.yml:6:8: error: http.tls.certificate: must be set: the path of a file in PEM"]),
    (
      "  tls: {certificate: /c, key: /k, minimumtls: tls1.1, clientcas: [/a], clientauth: request-client-cert}\n",
      [
        "c.yml:6:47: warning: http.tls.minimumtls: TLS is served from 1.2 on: older versions are broken",
        "c.yml:6:66: warning: http.tls.clientcas: nothing is checked by it: clientauth verifies nothing",
      ]
    ),
    (
      "  tls: {certificate: /c, key: /k, clientca: [/a], ciphersuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265]}\n",
      [
        "c.yml:6:35: error: http.tls.clientca: unknown key; did you mean \"clientcas\"?",
        "c.yml:6:66: error: http.tls.ciphersuites[0]: unknown cipher suite "
          + "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265\"; did you mean \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"?",
      ]
    ),
    (
      "  tls: {certificate: /c, key: /k, clientauth: verify-client-cert-if-given}\n",
      [
        "c.yml:6:47: error: http.tls.clientauth: needs clientcas, to say whose certificates are taken"
      ]
    ),
    (
      "  TLS: {certificate: /c, key: /k}\n",
      ["c.yml:6:3: error: http.TLS: unknown key; \"tls\" must be in lower case"]
    ),
    (
      "access: {rules: [{who: [\"certificate:ci\"], actions: [pull]}]}\n",
      [
        "c.yml:6:18: error: access.rules[0].who: \"certificate:ci\" is nobody while http.tls verifies no certificates"
      ]
    ),
    (
      "auth:\n  token: {realm: r}\n",
      [
        "c.yml:7:3: error: auth.token.service: must be set for the access controller token",
        "c.yml:7:3: error: auth.token.issuer: must be set for the access controller token",
        "c.yml:7:3: error: auth.token: needs rootcertbundle or jwks: without a key no token could be trusted",
        "c.yml:7:18: warning: auth.token.realm: clients ask for tokens there, so it should be a URL with its scheme",
      ]
    ),
    (
      "auth:\n  token: {realm: 'http://r', service: s, issuer: i, jwks: /k, signingalgorithms: [RS265, ES256]}\n",
      [
        "c.yml:7:83: error: auth.token.signingalgorithms[0]: \"RS265\" is none of EdDSA, HS256, HS384, HS512, RS256, RS384, "
          + "RS512, ES256, ES384, ES512, PS256, PS384, PS512; did you mean \"RS256\"?"
      ]
    ),
    ("auth:\n  htpasswd: {realm: r, path: /p}\n", []),
    ("auth:\n  silly: {realm: r, service: s}\n", []),
    (
      "auth:\n  htpasswd: {realm: r}\n",
      ["c.yml:7:3: error: auth.htpasswd.path: must be set for the access controller htpasswd"]
    ),
    (
      "auth:\n  htpasswd: {realm: r, path: /p}\n  silly: {realm: r, service: s}\n",
      ["c.yml:8:3: error: auth.silly: there is already \"htpasswd\"; exactly one access controller is allowed"]
    ),
    (
      "auth:\n  htpaswd: {realm: r, path: /p}\n",
      ["c.yml:7:3: error: auth.htpaswd: unknown access controller \"htpaswd\"; did you mean \"htpasswd\"?"]
    ),
    ("auth: none\n", []),
    ("auth: {none: {}}\n", []),
    ("auth:\n", ["c.yml:6:6: warning: auth: is empty, so nobody has to log in"]),
    (
      "Auth:\n  htpasswd: {realm: r, path: /p}\n",
      ["c.yml:6:1: error: Auth: unknown key; \"auth\" must be in lower case"]
    ),
    (
      "proxy: {remoteurl: 'https://registry-1.docker.io'}\n",
      ["c.yml:6:1: error: proxy: mirroring another registry is not served yet; pulls would find nothing"]
    ),
    ("proxy: {ttl: 1h}\n", ["c.yml:6:1: warning: proxy: has no effect: nothing in it is switched on"]),
    ("proxy: {remoteurl: ''}\n", []),
    (
      "notifications: {endpoints: [{name: a, disabled: true}]}\n",
      ["c.yml:6:1: warning: notifications: has no effect: nothing in it is switched on"]
    ),
    ("notifications: {endpoints: []}\n", []),
    (
      "middleware: {storage: [{name: cloudfront}]}\n",
      ["c.yml:6:1: error: middleware: middleware is not served yet; data would take another way than configured"]
    ),
    ("middleware: {storage: []}\n", []),
    (
      "redis: {addr: 'localhost:6379', password: p}\n",
      ["c.yml:6:1: warning: redis: has no effect: Redis is not used; what it would hold is kept in memory"]
    ),
    (
      "compatibility: {schema1: {enabled: true}}\n",
      ["c.yml:6:1: warning: compatibility: has no effect: schema 1 manifests are never signed or accepted"]
    ),
    (
      "validation: {enabled: true, manifests: {urls: {allow: ['(']}}}\n",
      [
        "c.yml:6:14: warning: validation.enabled: has no effect: it is deprecated and never switched the checks off; "
          + "use validation.disabled",
        "c.yml:6:56: error: validation.manifests.urls.allow[0]: \"(\" is not a regular expression: "
          + "a parenthesis has no partner",
      ]
    ),
    (
      "validation: {manifests: {indexes: {platformlist: [{os: linux}, x]}}}\n",
      [
        "c.yml:6:51: error: validation.manifests.indexes.platformlist[0]: a platform needs both architecture and os",
        "c.yml:6:64: error: validation.manifests.indexes.platformlist[1]: expected keys and values, found text \"x\"",
      ]
    ),
    ("catalog: {maxentries: 0}\ntags: {maxtags: -1}\n", []),
    (
      "catalog: {maxentries: 99999999}\n",
      ["c.yml:6:23: error: catalog.maxentries: 99999999 is out of range: expected -2147483648 to 1000000"]
    ),
    ("...\n---\nx: 1\n", ["c.yml:7:1: warning: a second YAML document begins here; it is not read"]),
    ("storage: {}\n", ["c.yml:6:1: error: key \"storage\" is here a second time (first in line 2)"]),
    (
      "  host: registry.example.com\n",
      [
        "c.yml:6:9: warning: http.host: ignored, as in Distribution: it needs a scheme, such as "
          + "\"https://registry.example.com\""
      ]
    ),
    (
      "  host: ftp://x\n",
      [
        "c.yml:6:9: error: http.host: expected a URL such as \"https://registry.example.com\", found \"ftp://x\""
      ]
    ),
    (
      "  prefix: registry\n",
      [
        "c.yml:6:11: warning: http.prefix: read as \"/registry/\"; it needs a slash at both ends"
      ]
    ),
    (
      "  prefix: /a/../b/\n",
      [
        "c.yml:6:11: error: http.prefix: expected a path such as \"/registry/\", found \"/a/../b/\""
      ]
    ),
    (
      "  headers: {'X A': [b], X-B: [\"a\\r\\nb\"], Content-Length: ['3'], X-C: z}\n",
      [
        "c.yml:6:13: error: http.headers.X A: is not the name of a header",
        "c.yml:6:31: error: http.headers.X-B: the value holds a control character",
        "c.yml:6:42: error: http.headers.Content-Length: is set by the server itself, response by response",
        "c.yml:6:70: error: http.headers.X-C: expected a list, found text \"z\"",
      ]
    ),
  ]

  @Test(arguments: cases.indices)
  func added(_ index: Int) {
    let (added, expected) = Self.cases[index]
    let outcome = load(base + added)
    #expect(outcome.lines == expected, "\(added)")
    #expect((outcome.settings == nil) == expected.contains { $0.contains(": error: ") })
  }

  @Test(arguments: [
    ("", "c.yml: error: version: the file is empty; a configuration begins with \"version: 0.1\""),
    ("- a\n", "c.yml:1:1: error: expected keys and values, such as \"version: 0.1\""),
    ("a: [\n", "c.yml:2:1: error: did not find expected node content, while parsing a flow node that began in line 2"),
    (
      "version: 0.2\nstorage: inmemory\nhttp: {addr: ':1'}\n",
      "c.yml:1:10: error: version: unsupported version: \"0.2\"; expected 0.1"
    ),
    ("storage: inmemory\nhttp: {addr: ':1'}\n", "c.yml: error: version: unsupported version: \"\"; expected 0.1"),
    (
      "version: 0.1\nhttp: {addr: ':1'}\n",
      "c.yml: error: storage: no storage configuration provided; expected a driver such as \"filesystem\""
    ),
    (
      "version: 0.1\nstorage: {delete: {enabled: true}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:10: error: storage: no storage configuration provided; expected a driver such as \"filesystem\""
    ),
    (
      "version: 0.1\nstorage: {filesytem: {}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:11: error: storage.filesytem: unknown storage driver \"filesytem\"; did you mean \"filesystem\"?"
    ),
    (
      "version: 0.1\nstorage: {inmemory: {}, filesystem: {}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:25: error: storage.filesystem: multiple storage drivers specified: there is already "
        + "\"inmemory\"; exactly one is allowed"
    ),
    (
      "version: 0.1\nstorage: s3\nhttp: {addr: ':1'}\n",
      "c.yml:2:10: error: storage.s3: the S3 storage driver is not served yet; data would go elsewhere than configured"
    ),
    (
      "version: 0.1\nstorage: {filesystem: {maxthreads: 5}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:36: warning: storage.filesystem.maxthreads: raised to 25, the least allowed"
    ),
    (
      "version: 0.1\nstorage: {filesystem: {rootdirectory: ''}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:39: error: storage.filesystem.rootdirectory: expected the path of a directory"
    ),
    (
      "version: 0.1\nstorage: {inmemory: {}, cache: {blobdescriptor: memcached}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:49: warning: storage.cache.blobdescriptor: unknown cache \"memcached\", read as not set "
        + "(expected \"inmemory\")"
    ),
    (
      "version: 0.1\nstorage: {inmemory: {}, cache: {layerinfo: redis}}\nhttp: {addr: ':1'}\n",
      "c.yml:2:44: warning: storage.cache.layerinfo: Redis is not used; descriptors are cached in memory"
    ),
    (
      "version: 0.1\nstorage: {inmemory: {}, cache: {blobdescriptor: inmemory, blobdescriptorsize: 0}}\nhttp: "
        + "{addr: ':1'}\n",
      "c.yml:2:79: warning: storage.cache.blobdescriptorsize: a cache without a limit is not offered; up to "
        + "1000000 entries are kept"
    ),
    (
      "version: 0.1\nstorage: inmemory\nhttp: {net: unix, addr: ''}\n",
      "c.yml:3:7: error: http.addr: with net \"unix\", the path of the socket is needed"
    ),
    (
      "version: 0.1\nstorage: inmemory\nhttp: {net: tcp6, addr: ':1'}\n",
      "c.yml:3:13: error: http.net: \"tcp6\" is none of tcp, unix; did you mean \"tcp\"?"
    ),
    (
      "version: 0.1\nstorage: inmemory\nhttp: {addr: /run/r.sock}\n",
      "c.yml:3:14: error: http.addr: expected host:port, :port or [IPv6]:port, found \"/run/r.sock\"; for a "
        + "unix socket, set http.net to \"unix\""
    ),
    (
      "version: 0.1\nstorage: inmemory\n",
      "c.yml: warning: http.addr: is not set; listening on 127.0.0.1:5000, for this machine only"
    ),
  ])
  func whole(_ text: String, _ expected: String) {
    #expect(load(text).lines == [expected])
  }

  @Test func purgingNeedsItsKeys() {
    func purging(_ flow: String) -> [String] {
      load(base.replacing("inmemory: {}", with: "inmemory: {}\n  maintenance: {uploadpurging: \(flow)}")).lines
    }
    #expect(purging("{enabled: false}") == [])
    #expect(purging("{age: 2h, interval: 1h, dryrun: no}") == [])
    let section = "storage.maintenance.uploadpurging"
    #expect(
      purging("{enabled: true, age: 2h}") == [
        "c.yml:4:32: error: \(section).interval: is missing; with uploadpurging it must be given",
        "c.yml:4:32: error: \(section).dryrun: is missing; with uploadpurging it must be given",
      ])
    #expect(
      purging("{enabled: true, age: 168, interval: 1x, dryrun: maybe}") == [
        "c.yml:4:53: error: \(section).age: expected a duration with its unit, such as \"168h\", "
          + "found a whole number \"168\"",
        "c.yml:4:68: error: \(section).interval: expected a duration with its unit, such as \"168h\", found "
          + "text \"1x\"",
        "c.yml:4:80: error: \(section).dryrun: expected true or false, found text \"maybe\"",
      ])
    #expect(purging("yes") == ["c.yml:4:32: error: \(section): expected keys and values, found true or false \"yes\""])
  }

  @Test func platformListNeedsItsWord() {
    let list = "platformlist: [{os: linux, architecture: amd64}]"
    #expect(
      load(base + "validation: {manifests: {indexes: {\(list)}}}\n").lines == [
        "c.yml:6:50: warning: validation.manifests.indexes.platformlist: has no effect unless platforms is \"list\""
      ])
    #expect(
      load(base + "validation: {manifests: {indexes: {platforms: list}}}\n").lines == [
        "c.yml:6:47: warning: validation.manifests.indexes.platforms: platformlist is empty, so no image is checked for"
      ])
  }

  @Test func remarksAreBounded() {
    let unknown = (0..<300).map { "x\($0): 1\n" }.joined()
    let outcome = load(base + unknown)
    #expect(outcome.settings != nil)
    #expect(outcome.lines.count == 201)
    #expect(outcome.lines.last == "c.yml: warning: and 100 more like these")
    let wrong = load(base + unknown + "catalog: x\n")
    #expect(wrong.settings == nil)
    #expect(wrong.errors == ["c.yml:306:10: error: catalog: expected keys and values, found text \"x\""])
  }

  @Test func secretsAreNeverShown() {
    let outcome = load(
      base
        + "  secret: {secretword: secretword}\nproxy: {remoteurl: x, password: secretword}\nredis: {password: "
        + "secretword}\n"
    )
    #expect(outcome.errors.count == 2)
    #expect(!outcome.lines.joined().contains("secretword"), "\(outcome.lines)")
  }

  @Test(arguments: [
    ("localhost:5000", ListenAddress.tcp(host: "localhost", port: 5000)), (":5000", .tcp(host: "", port: 5000)),
    ("[::1]:5000", .tcp(host: "::1", port: 5000)), ("[fe80::1%eth0]:0", .tcp(host: "fe80::1%eth0", port: 0)),
    ("127.0.0.1:65535", .tcp(host: "127.0.0.1", port: 65535)),
  ])
  func addresses(_ text: String, _ expected: ListenAddress) {
    #expect(ListenAddress(tcp: text) == expected)
    #expect(expected.description == text)
  }

  @Test(arguments: [
    "", "localhost", "5000", ":", "localhost:", ":65536", ":+1", ":http", "::1:5000", "[::1]", "[::1:5000", "[x]:1",
    "a b:1", "http://a:1", "a/b:1", ":00005000",
  ])
  func wrongAddresses(_ text: String) {
    #expect(ListenAddress(tcp: text) == nil)
  }

  @Test func sourceIsArgumentThenVariableThenBuiltIn() {
    let variable = ["REGISTRY_CONFIGURATION_PATH": "/v.yml"]
    #expect(ConfigurationSource(argument: "/a.yml", environment: variable) == .file("/a.yml"))
    #expect(ConfigurationSource(argument: nil, environment: variable) == .file("/v.yml"))
    #expect(ConfigurationSource(argument: nil, environment: ["REGISTRY_CONFIGURATION_PATH": ""]) == .builtIn)
    #expect(ConfigurationSource(argument: nil, environment: [:]) == .builtIn)
  }

  @Test("Every origin and one more are answers that browsers refuse")
  func originsBesideAll() {
    func outcome(_ values: String) -> Outcome { load(base + "  headers: {access-control-allow-origin: [\(values)]}\n") }
    #expect(outcome("'*'").lines == [] && outcome("'https://a', 'https://b'").lines == [])
    let both = outcome("'*', 'https://a'")
    #expect(both.settings != nil && both.warnings.count == 1, "\(both.lines)")
    #expect(both.warnings.first?.contains("browsers refuse every answer") == true, "\(both.lines)")
  }

  @Test(arguments: 0..<20)
  func mutatedFilesNeverCrash(_ seed: Int) {
    var random = Seeded(seed: UInt64(seed))
    let original = Array(ExampleFilesTests.configDev.utf8)
    let interesting = Array("\n :{}[]-'\"0~#&*!|\t\u{0}\u{7F}".utf8) + [0xC3, 0xFF]
    for _ in 0..<60 {
      var bytes = original
      for _ in 0..<(1 + random.next(below: 12)) {
        let position = random.next(below: bytes.count)
        switch random.next(below: 3) {
        case 0: bytes[position] = random.pick(interesting)
        case 1: bytes.insert(random.pick(interesting), at: position)
        default: bytes.removeSubrange(position..<min(bytes.count, position + random.next(below: 30)))
        }
        if bytes.isEmpty { bytes = original }
      }
      do throws(ConfigurationError) {
        let loaded = try ConfigurationLoader.load(text: bytes, file: "c.yml", environment: [:])
        #expect(loaded.diagnostics.allSatisfy { $0.severity == .warning })
      } catch {
        #expect(error.diagnostics.contains { $0.severity == .error })
      }
    }
  }
}
