// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Configurations and htpasswd files that were written for Distribution run as they are; what a test machine must have
/// otherwise (paths and ports) is said by the environment, as operators of containers do.
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
    auth:
      htpasswd:
        realm: basic-realm
        path: /etc/docker/registry/htpasswd
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
    auth:
      htpasswd:
        realm: Registry
        path: /etc/distribution/htpasswd
    http:
      addr: :5000
      headers:
        X-Content-Type-Options: [nosniff]
      h2c:
        enabled: false
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

  /// bcrypt in its three spellings, a comment, a blank line, and lines of other hashes, with which nobody gets in.
  private static func users(_ hashes: [String]) -> String {
    var text = "# registry users\n\n"
    for (name, hash) in zip(["alice", "bob", "carol"], hashes) { text += "\(name):\(hash)\n" }
    return text + "old:$apr1$5xmW0hyA$gYJqgZOHtYLkw4kWfO3Kb.\nplain:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n  \n"
  }

  @Test("It starts unchanged and lets in who was let in", arguments: [2, 3])
  func runsUnchanged(_ generation: Int) throws {
    guard Peers.has("htpasswd") else { return }
    let scratch = try Scratch()
    let hash = String(
      try Command.run(["htpasswd", "-nbBC", "5", "x", "wonder"], in: scratch).output.trimmed().split(
        separator: ":", maxSplits: 1)[1].prefix(60))
    let spellings = ["$2y$", "$2b$", "$2a$"].map { $0 + hash.dropFirst(4) }
    try Files.write(Self.users(spellings), to: "\(scratch.path)/htpasswd")
    try Files.write(generation == 2 ? Self.configuration2 : Self.configuration3, to: "\(scratch.path)/config.yml")
    let port = try freePort()
    let child = try RegistryProcess.spawn(
      ["serve", "\(scratch.path)/config.yml"],
      environment: [
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "\(scratch.path)/data",
        "REGISTRY_HTTP_ADDR": "127.0.0.1:\(port)",
        "REGISTRY_AUTH_HTPASSWD_PATH": "\(scratch.path)/htpasswd",
      ], scratch: scratch)
    let client = HTTPClient(.ip4(port: port))
    var base: Response?
    for _ in 0..<4000 where base == nil {
      base = try? client.send("GET", "/v2/")  // refused until it listens
      if base == nil, child.hasEnded(within: 5) { break }
    }
    let log = Files.text("\(scratch.path)/stderr.log")
    #expect(base?.status == 401, "\(log)")
    #expect(base?["WWW-Authenticate"] == "Basic realm=\"\(generation == 2 ? "basic-realm" : "Registry")\"")
    #expect(base?["X-Content-Type-Options"] == "nosniff")
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
    if generation == 2 {
      let preflight = try client.send(
        "OPTIONS", "/v2/a/manifests/x",
        [("Origin", "https://ui.example.com"), ("Access-Control-Request-Method", "DELETE")])
      expect(preflight, 200)
      #expect(preflight["Access-Control-Allow-Origin"] == "https://ui.example.com")
      #expect(preflight["Access-Control-Allow-Credentials"] == "true")
    }
    child.signal(15)
    #expect(child.hasEnded(within: 70_000) && child.exitCode == 0, "\(Files.text("\(scratch.path)/stderr.log"))")
  }
}
