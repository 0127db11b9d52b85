// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

extension SettingsReader {
  /// The `http` section.
  mutating func httpSettings() -> HTTPSettings {
    let defaults = HTTPSettings()
    let loops = count("http.loops", 0, in: 0...1024)
    let workers = count("http.workers", 0, in: 0...1024)
    var settings = HTTPSettings(
      address: address(defaults.address), prefix: prefix(), host: externalURL(),
      secret: text("http.secret").flatMap { $0.isEmpty ? nil : $0 },
      usesRelativeURLs: bool("http.relativeurls") ?? false,
      drainTimeout: duration("http.draintimeout", defaults.drainTimeout, least: .zero), headers: headers(),
      offersHTTP2: !(bool("http.http2.disabled") ?? false), speaksHTTP2InClear: bool("http.h2c.enabled") ?? false,
      limits: limits(), loops: loops > 0 ? loops : nil, workers: workers > 0 ? workers : nil, tls: tlsSettings())
    settings.debug = debugSettings()
    settings.clientLimits = clientLimits(isEncrypted: settings.tls != nil)
    settings.drainDelay = drainDelay()
    return settings
  }

  private enum Network: String, CaseIterable {
    case tcp, unix
  }

  private mutating func address(_ fallback: ListenAddress) -> ListenAddress {
    let path = "http.addr"
    let network = word("http.net", Network.tcp)
    guard let node = node(path), let text = text(path), !text.isEmpty else {
      // A section or an address of the wrong form has been reported already.
      guard self.node("http").map({ $0.mapping != nil }) ?? true, node(path)?.scalar?.text.isEmpty ?? true else {
        return fallback
      }
      switch network {
      case .tcp:
        log.add(
          .warning, at: self.node("http")?.mark, path, "is not set; listening on \(fallback), for this machine only")
      case .unix:
        log.add(.error, at: self.node("http")?.mark, path, "with net \"unix\", the path of the socket is needed")
      }
      return fallback
    }
    switch network {
    case .unix:
      guard text.utf8.count <= ListenAddress.unixPathBytesMax, !Self.hasControlCharacter(text) else {
        log.add(
          .error, about: node, path,
          "expected the path of a unix socket, of at most \(ListenAddress.unixPathBytesMax) bytes")
        return fallback
      }
      return .unix(path: text)
    case .tcp:
      guard let address = ListenAddress(tcp: text) else {
        let hint = text.hasPrefix("/") ? "; for a unix socket, set http.net to \"unix\"" : ""
        log.add(
          .error, about: node, path,
          "expected host:port, :port or [IPv6]:port, found \"\(Shown.text(text))\"\(hint)")
        return fallback
      }
      return address
    }
  }

  private mutating func prefix() -> String {
    let path = "http.prefix"
    guard let node = node(path), let text = text(path), !text.isEmpty, text != "/" else { return "/" }
    let parts = text.split(separator: "/", omittingEmptySubsequences: true)
    let isClean = parts.allSatisfy { part in
      part != "." && part != ".." && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\\\"".utf8.contains($0) }
    }
    let clean = "/" + parts.map { $0 + "/" }.joined()
    guard isClean, !parts.isEmpty else {
      log.add(.error, about: node, path, "expected a path such as \"/registry/\", found \"\(Shown.text(text))\"")
      return "/"
    }
    if clean != text { log.add(.warning, about: node, path, "read as \"\(clean)\"; it needs a slash at both ends") }
    return clean
  }

  private mutating func externalURL() -> ExternalURL? {
    let path = "http.host"
    guard let node = node(path), let text = text(path), !text.isEmpty else { return nil }
    if let url = ExternalURL(text) { return url }
    // Distribution ignores a host without a scheme without a word: clients then get URLs from the request.
    log.add(
      text.contains("://") ? .error : .warning, about: node, path,
      text.contains("://")
        ? "expected a URL such as \"https://registry.example.com\", found \"\(Shown.text(text))\""
        : "ignored, as in Distribution: it needs a scheme, such as \"https://\(Shown.text(text))\"")
    return nil
  }

  /// Fields that frame a message: setting them for every response would make responses unreadable.
  static let framingFields: Set<String> = [
    "Connection", "Content-Length", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Range",
  ]

  private mutating func headers() -> [HTTPSettings.Header] {
    var headers: [HTTPSettings.Header] = []
    for entry in node("http.headers")?.mapping?.entries ?? [] {
      let path = "http.headers.\(Shown.text(entry.key))"
      guard let name = Self.canonicalFieldName(entry.key) else {
        log.add(.error, about: entry.value, at: entry.keyMark, path, "is not the name of a header")
        continue
      }
      guard !Self.framingFields.contains(name) else {
        log.add(
          .error, about: entry.value, at: entry.keyMark, path, "is set by the server itself, response by response")
        continue
      }
      var values: [String] = []
      for value in texts("http.headers", key: entry.key) {
        if Self.hasControlCharacter(value.text) {
          log.add(.error, about: value.node, path, "the value holds a control character")
        } else {
          values.append(value.text)
        }
      }
      if name == "Access-Control-Allow-Origin", values.count > 1, values.contains("*") {
        log.add(
          .warning, about: entry.value, at: entry.keyMark, path,
          "with \"*\" and another origin browsers refuse every answer; give \"*\" alone, or origins without it")
      }
      if !values.isEmpty { headers.append(HTTPSettings.Header(name: name, values: values)) }
    }
    return headers
  }

  /// The text elements below a key that may hold a dot.
  private func texts(_ section: String, key: String) -> [(text: String, node: YAMLNode)] {
    (node(section)?[key]?.sequence ?? []).compactMap { node in node.scalar.map { ($0.text, node) } }
  }

  /// A token of RFC 9110 section 5.6.2 with capitals where Go puts them, or nil.
  static func canonicalFieldName(_ name: String) -> String? {
    let marks = Set("!#$%&'*+-.^_`|~".utf8)
    guard !name.isEmpty, name.utf8.count <= 256,
      name.utf8.allSatisfy({ byte in
        marks.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte)
      })
    else { return nil }
    return name.split(separator: "-", omittingEmptySubsequences: false)
      .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }
      .joined(separator: "-")
  }

  private mutating func limits() -> HTTPLimits {
    let section = "http.limits"
    let standard = HTTPLimits()
    let most = 1_000_000
    let limits = HTTPLimits(
      connectionsMax: count("\(section).connections", standard.connectionsMax, in: 1...most),
      headBytesMax: bytes("\(section).headbytes", standard.headBytesMax, in: 1024...1 << 20),
      lineBytesMax: bytes("\(section).linebytes", standard.lineBytesMax, in: 512...1 << 20),
      headersMax: count("\(section).headers", standard.headersMax, in: 8...10_000),
      headTimeout: duration("\(section).headtimeout", standard.headTimeout, least: .milliseconds(100)),
      idleTimeout: duration("\(section).idletimeout", standard.idleTimeout, least: .milliseconds(100)),
      bodyTimeout: duration("\(section).bodytimeout", standard.bodyTimeout, least: .milliseconds(100)),
      writeTimeout: duration("\(section).writetimeout", standard.writeTimeout, least: .milliseconds(100)),
      discardBytesMax: bytes("\(section).discardbytes", standard.discardBytesMax, in: 0...1 << 30),
      lingerTimeout: duration("\(section).lingertimeout", standard.lingerTimeout, least: .milliseconds(100)),
      streamsMax: count("\(section).streams", standard.streamsMax, in: 1...1000),
      manifestBytesMax: bytes(
        "\(section).manifestbytes", standard.manifestBytesMax, in: 1024...HTTPLimits.manifestBytesCeiling))
    if limits.lineBytesMax > limits.headBytesMax,
      let node = node("\(section).linebytes") ?? node("\(section).headbytes")
    {
      log.add(.error, about: node, "\(section).linebytes", "a line cannot be longer than the whole head (headbytes)")
    }
    return limits
  }
}
