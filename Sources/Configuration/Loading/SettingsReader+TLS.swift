// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

extension SettingsReader {
  /// The most files of one kind.
  private static let filesMax = 100

  /// The suites that Distribution knows by name, and that are served.
  private static let suites = [
    "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  ]
  private static let suitesOfTLS13 = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
  ]
  /// What Distribution may be told and nobody should serve any more.
  private static let brokenSuites = ["TLS_RSA_WITH_3DES_EDE_CBC_SHA"]

  /// The `http.tls` section; nil when nothing in it is set.
  mutating func tlsSettings() -> TLSFileSettings? {
    let path = "http.tls"
    guard let section = node(path), Significance.isSet(section) else { return nil }
    let identity = TLSFileSettings.Identity(
      certificate: file("\(path).certificate", section), key: file("\(path).key", section))
    var others: [TLSFileSettings.Identity] = []
    for (index, element) in few("\(path).certificates").enumerated() {
      let name = "\(path).certificates[\(index)]"
      guard element.mapping != nil else {
        if element.isNull { log.add(.error, about: element, name, "expected certificate and key") }
        continue
      }
      others.append(
        TLSFileSettings.Identity(
          certificate: file("\(name).certificate", element, element["certificate"]),
          key: file("\(name).key", element, element["key"])))
    }
    let authorities = files("\(path).clientcas")
    var settings = TLSFileSettings(
      identity: identity, otherIdentities: others, clientAuthorities: authorities,
      clientRevocations: files("\(path).clientcrls"), minimumVersion: minimumVersion("\(path).minimumtls"),
      cipherSuites: cipherSuites("\(path).ciphersuites"))
    if node("\(path).clientauth").map(Significance.isSet) ?? false {
      settings.clientAuthentication = word("\(path).clientauth", TLSFileSettings.ClientAuthentication.requireAndVerify)
    } else if !authorities.isEmpty {
      settings.clientAuthentication = .requireAndVerify
    }
    check(settings, path)
    return settings
  }

  /// What contradicts itself, or would let more in than whoever wrote it means.
  private mutating func check(_ settings: TLSFileSettings, _ path: String) {
    if settings.verifiesClients, settings.clientAuthorities.isEmpty, let node = node("\(path).clientauth") {
      log.add(.error, about: node, "\(path).clientauth", "needs clientcas, to say whose certificates are taken")
    }
    if !settings.clientAuthorities.isEmpty, !settings.verifiesClients, let node = node("\(path).clientcas") {
      log.add(.warning, about: node, "\(path).clientcas", "nothing is checked by it: clientauth verifies nothing")
    }
    if !settings.clientRevocations.isEmpty, !settings.verifiesClients, let node = node("\(path).clientcrls") {
      log.add(.error, about: node, "\(path).clientcrls", "nothing is checked by it: it needs clientcas")
    }
  }

  /// The path of a file that must be there.
  private mutating func file(_ path: String, _ section: YAMLNode, _ value: YAMLNode? = nil) -> String {
    guard let node = value ?? node(path), let text = node.scalar?.text, !text.isEmpty else {
      if (value ?? node(path))?.scalar != nil || (value ?? node(path)) == nil {
        log.add(.error, about: section, path, "must be set: the path of a file in PEM")
      }
      return ""
    }
    if Self.hasControlCharacter(text) { log.add(.error, about: node, path, "expected the path of a file") }
    return text
  }

  private mutating func files(_ path: String) -> [String] {
    var files: [String] = []
    for (index, element) in few(path).enumerated() {
      guard let text = element.scalar?.text else { continue }
      if text.isEmpty || Self.hasControlCharacter(text) {
        log.add(.error, about: element, "\(path)[\(index)]", "expected the path of a file")
      }
      files.append(text)
    }
    return files
  }

  private mutating func few(_ path: String) -> [YAMLNode] {
    let elements = node(path)?.sequence ?? []
    if elements.count > Self.filesMax, let node = node(path) {
      log.add(.error, about: node, path, "more than \(Self.filesMax) files")
      return []
    }
    return elements
  }

  private mutating func minimumVersion(_ path: String) -> TLSFileSettings.Version {
    guard let node = node(path), let text = node.scalar?.text.lowercased(), !text.isEmpty else { return .tls12 }
    if text == "tls1.0" || text == "tls1.1" {
      log.add(.warning, about: node, path, "TLS is served from 1.2 on: older versions are broken")
      return .tls12
    }
    return word(path, .tls12)
  }

  private mutating func cipherSuites(_ path: String) -> [String] {
    var suites: [String] = []
    var isAnyUnknown = false
    for (index, element) in texts(path).enumerated() {
      let name = "\(path)[\(index)]"
      if Self.suites.contains(element.text) || Self.suitesOfTLS13.contains(element.text) {
        suites.append(element.text)
      } else if Self.brokenSuites.contains(element.text) {
        log.add(.warning, about: element.node, name, "\(element.text) is broken and not served")
      } else {
        isAnyUnknown = true
        let hint = Nearest.name(to: element.text, among: Self.suites + Self.suitesOfTLS13)
        log.add(
          .error, about: element.node, name,
          "unknown cipher suite \"\(Shown.text(element.text))\"\(hint.map { "; did you mean \"\($0)\"?" } ?? "")")
      }
    }
    if suites.isEmpty, !isAnyUnknown, let node = node(path), !(node.sequence ?? []).isEmpty {
      log.add(.error, about: node, path, "none of these is served")
    }
    return suites
  }
}
