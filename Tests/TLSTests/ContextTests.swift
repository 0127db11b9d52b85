// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTLS
import GantryTestKit
import GantryWorld
import Testing

@Suite struct ContextTests {
  private func file(_ path: String, _ bytes: [UInt8]) -> TLSSettings.File { TLSSettings.File(path: path, bytes: bytes) }

  private func error(_ certificate: TLSSettings.File, _ key: TLSSettings.File) -> String {
    let settings = TLSSettings(identities: [TLSSettings.Identity(certificate: certificate, key: key)])
    do {
      _ = try Known.context(settings)
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test("What is wrong with a file is named with the file and what to do")
  func errors() throws {
    let certificate = Known.identity(Known.localhost).certificate
    let key = Known.identity(Known.localhost).key
    let foreign = Known.identity(Known.other).key
    let empty = file("/e", [])
    #expect(error(certificate, key) == "none")
    #expect(error(empty, key) == "/e holds no certificate: expected PEM, with a line -----BEGIN CERTIFICATE-----")
    #expect(error(key, key).hasPrefix("\(key.path) holds no certificate"))
    #expect(
      error(certificate, empty)
        == "/e holds no private key: expected PEM, with a line such as -----BEGIN PRIVATE KEY-----")
    #expect(error(certificate, certificate).hasPrefix("\(certificate.path) holds no private key"))
    #expect(
      error(certificate, foreign)
        == "the private key in \(foreign.path) is not that of the certificate in \(certificate.path)")
    let authority = CertificateAuthority.read(Known.authority.certificate)
    #expect(
      error(file("/chain", authority + certificate.bytes), key)
        == "/chain: the certificate of the key must be the first, it is number 2: put it before its authorities'")
    #expect(error(file("/chain", certificate.bytes + authority), key) == "none")
    #expect(error(file("/cut", Array(certificate.bytes.dropLast(40))), key).hasPrefix("/cut"))
    var spoilt = certificate.bytes
    spoilt[spoilt.count / 2] = UInt8(ascii: "!")
    #expect(error(file("/spoilt", spoilt), key).hasPrefix("/spoilt: certificate 1 cannot be read: "))
    #expect(
      error(file("/second", certificate.bytes + spoilt), key).hasPrefix("/second: certificate 2 cannot be read: "))
    let locked = "\(Known.authority.directory)/locked.key"
    Known.authority.run("pkey -in \(Known.localhost.key) -aes128 -passout pass:secret -out \(locked)")
    #expect(error(certificate, Known.file(locked)).hasPrefix("the private key in \(locked) needs a passphrase"))
    let (weakKey, weak) = ("\(Known.authority.directory)/weak.key", "\(Known.authority.directory)/weak.pem")
    Known.authority.run(
      "req -x509 -newkey rsa:1024 -nodes -keyout \(weakKey) -out \(weak) -days 5 -subj /CN=weak")
    #expect(error(Known.file(weak), Known.file(weakKey)) == "\(weak) is not taken: ee key too small")
    #expect(throws: TLSError.noIdentity) { try Known.context(TLSSettings(identities: [])) }
    var settings = Known.settings()
    settings.cipherSuites = ["TLS_ECDHE_ECDSA_WITH_NONSENSE"]
    #expect(throws: TLSError.unknownCipherSuite("TLS_ECDHE_ECDSA_WITH_NONSENSE")) { try Known.context(settings) }
    settings = Known.settings()
    settings.clientAuthentication = .requireAndVerify
    settings.clientAuthorities = [Known.file(Known.authority.certificate)]
    settings.clientRevocations = [file("/crl", [1])]
    #expect(throws: TLSError.nothingIn(path: "/crl", what: "revocation list")) { try Known.context(settings) }
  }

  @Test("Certificates that clients will not take are spoken of")
  func notices() throws {
    func notices(_ identities: CertificateAuthority.Identity...) throws -> [TLSNotice] {
      try Known.context(TLSSettings(identities: identities.map(Known.identity))).notices
    }
    let host = ["DNS:a.test"]
    #expect(try notices(Known.localhost) == [])
    let expired = Known.authority.issue("a", host, .expired)
    #expect(
      try notices(expired).map(\.description) == [
        "the certificate in \(expired.certificate) has expired at 2020-02-01T00:00:00Z: clients refuse it"
      ])
    let future = Known.authority.issue("a", host, .future)
    #expect(try notices(future) == [.notYetValid(path: future.certificate, until: WallTime(seconds: 2_208_988_800))])
    let ending = Known.authority.issue("a", host, .ending)
    guard case .expiresSoon(ending.certificate, let end)? = try notices(ending).first else {
      Issue.record("of \(ending) this is said: \(try notices(ending))")
      return
    }
    #expect(abs(end.seconds - Known.now.seconds - 7 * 86_400) < 600)
    #expect(try Known.context(TLSSettings(identities: [Known.identity(ending)])).expiry == end)
    let nameless = Known.authority.issue("a")
    #expect(try notices(nameless) == [.noHost(path: nameless.certificate)])
    #expect(
      try notices(Known.other, Known.localhost, Known.other) == [
        .hostTwice(host: "other.test", path: Known.other.certificate),
        .hostTwice(host: "*.wild.test", path: Known.other.certificate),
      ])
    let stray = TLSSettings.File(
      path: "/stray",
      bytes: CertificateAuthority.read(Known.localhost.certificate)
        + CertificateAuthority.read(Known.stranger.certificate))
    let settings = TLSSettings(identities: [
      TLSSettings.Identity(certificate: stray, key: Known.file(Known.localhost.key))
    ])
    #expect(try Known.context(settings).notices == [.chainOutOfOrder(path: "/stray", position: 2)])
  }

  @Test("The next session begins with the new context, the one under way goes on with its own")
  func replacement() throws {
    let current = CurrentTLSContext(try Known.context())
    let before = try Exchange(current.value)
    before.run()
    current.value = try Known.context(Known.settings(Known.other))
    let after = try Exchange(current.value)
    after.run()
    before.client.write([1])
    before.run()
    #expect(before.client.serverName == "localhost" && before.serverContent == [1])
    #expect(after.client.serverName == "other")
  }
}
