// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

extension SettingsReader {
  /// The most checks of one kind.
  private static let checksMax = 100

  /// The `http.debug` section.
  mutating func debugSettings() -> DebugSettings {
    var settings = DebugSettings(isPrometheusEnabled: bool("http.debug.prometheus.enabled") ?? false)
    let path = "http.debug.addr"
    if let node = node(path), let text = text(path), !text.isEmpty {
      settings.address = ListenAddress(tcp: text)
      if settings.address == nil {
        log.add(
          .error, about: node, path, "expected host:port, :port or [IPv6]:port, found \"\(Shown.text(text))\"")
      }
    } else if settings.isPrometheusEnabled, let node = node("http.debug.prometheus.enabled") {
      log.add(
        .warning, about: node, "http.debug.prometheus.enabled", "has no effect without http.debug.addr to listen on")
    }
    let pagePath = "http.debug.prometheus.path"
    if let node = node(pagePath), let text = text(pagePath), !text.isEmpty {
      if DebugSettings.takenPaths.contains(text) {
        log.add(.error, about: node, pagePath, "\"\(text)\" is taken: choose another path")
      } else if text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#".utf8.contains($0) }) {
        settings.prometheusPath = text
      } else {
        log.add(.error, about: node, pagePath, "expected a path such as \"/metrics\", found \"\(Shown.text(text))\"")
      }
    }
    return settings
  }

  /// The `health` section.
  mutating func healthSettings() -> HealthSettings {
    var settings = HealthSettings()
    if bool("health.storagedriver.enabled") ?? false {
      settings.storage = HealthSettings.Rhythm(
        interval: interval("health.storagedriver.interval"), threshold: threshold("health.storagedriver.threshold"))
    }
    for (node, path) in checks("file") {
      guard let file = node["file"]?.scalar?.text, !file.isEmpty, !Self.hasControlCharacter(file) else {
        log.add(.error, about: node, "\(path).file", "expected the path of a file")
        continue
      }
      settings.files.append(HealthSettings.FileCheck(path: file, rhythm: rhythm(of: node, path)))
    }
    for (node, path) in checks("http") {
      if let check = httpCheck(node, path) { settings.http.append(check) }
    }
    for (node, path) in checks("tcp") {
      let text = node["addr"]?.scalar?.text ?? ""
      guard case .tcp(let host, let port)? = ListenAddress(tcp: text), !host.isEmpty, port > 0 else {
        log.add(.error, about: node, "\(path).addr", "expected host:port, found \"\(Shown.text(text))\"")
        continue
      }
      settings.tcp.append(
        HealthSettings.TCPCheck(
          address: text, host: host, port: port, timeout: timeout(of: node, path), rhythm: rhythm(of: node, path)))
    }
    checkNames(settings)
    return settings
  }

  private mutating func httpCheck(_ node: YAMLNode, _ path: String) -> HealthSettings.HTTPCheck? {
    let text = node["uri"]?.scalar?.text ?? ""
    guard let parts = Self.parts(ofURI: text) else {
      log.add(
        .error, about: node, "\(path).uri", "expected a URI such as \"http://10.0.0.1/\", found \"\(Shown.text(text))\""
      )
      return nil
    }
    var headers: [HTTPSettings.Header] = []
    for entry in node["headers"]?.mapping?.entries ?? [] {
      let values = (entry.value.sequence ?? []).compactMap { $0.scalar?.text }
      guard let name = Self.canonicalFieldName(entry.key), !Self.framingFields.contains(name),
        !values.contains(where: Self.hasControlCharacter)
      else {
        log.add(
          .error, about: entry.value, at: entry.keyMark, "\(path).headers.\(Shown.text(entry.key))",
          "is not a header that a request can have")
        continue
      }
      headers.append(HTTPSettings.Header(name: name, values: values))
    }
    return HealthSettings.HTTPCheck(
      uri: text, isSecure: parts.isSecure, host: parts.host, port: parts.port, target: parts.target, headers: headers,
      status: number(node["statuscode"], "\(path).statuscode", 200, in: 100...599, unset: 0),
      timeout: timeout(of: node, path), rhythm: rhythm(of: node, path))
  }

  private typealias URIParts = (isSecure: Bool, host: String, port: UInt16, target: String)

  /// What a URI of `http` or `https` says, which names no user and no fragment.
  private static func parts(ofURI text: String) -> URIParts? {
    let isSecure = text.lowercased().hasPrefix("https://")
    guard isSecure || text.lowercased().hasPrefix("http://") else { return nil }
    let rest = text.dropFirst(isSecure ? 8 : 7)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let target = rest[authority.endIndex...]
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { return nil }
    let afterHost = authority.hasPrefix("[") ? authority.drop { $0 != "]" } : authority
    let withPort = afterHost.contains(":") ? String(authority) : "\(authority):\(isSecure ? 443 : 80)"
    guard case .tcp(let host, let port)? = ListenAddress(tcp: withPort), !host.isEmpty, port > 0 else { return nil }
    return (isSecure, host, port, target.hasPrefix("/") ? String(target) : "/\(target)")
  }

  /// Two checks of one name would overwrite each other's results.
  private mutating func checkNames(_ settings: HealthSettings) {
    let names = settings.files.map(\.path) + settings.http.map(\.uri) + settings.tcp.map(\.address)
    var known: Set<String> = []
    for name in names where !known.insert(name).inserted {
      log.add(.error, at: self.node("health")?.mark, "health", "\"\(Shown.text(name))\" is checked twice")
    }
  }

  // MARK: Elements of lists

  private mutating func checks(_ kind: String) -> [(node: YAMLNode, path: String)] {
    let list = "health.\(kind)"
    let elements = node(list)?.sequence ?? []
    if elements.count > Self.checksMax, let node = node(list) {
      log.add(.error, about: node, list, "more than \(Self.checksMax) checks")
    }
    return elements.prefix(Self.checksMax).enumerated().compactMap { index, node in
      node.mapping == nil ? nil : (node, "\(list)[\(index)]")
    }
  }

  private mutating func rhythm(of node: YAMLNode, _ path: String) -> HealthSettings.Rhythm {
    let threshold = number(node["threshold"], "\(path).threshold", 0, in: 0...1_000_000)
    var interval = HealthSettings.Rhythm().interval
    if let element = node["interval"], let value = element.scalar.flatMap(ScalarForm.duration), value != .zero {
      interval = value
      if value < .milliseconds(1) {
        log.add(.error, about: element, "\(path).interval", "is too short: expected at least 1ms")
      }
    }
    return HealthSettings.Rhythm(interval: interval, threshold: threshold)
  }

  private mutating func timeout(of node: YAMLNode, _ path: String) -> Duration {
    guard let element = node["timeout"], let value = element.scalar.flatMap(ScalarForm.duration), value != .zero else {
      return HealthSettings.timeoutDefault
    }
    if value < .milliseconds(1) {
      log.add(.error, about: element, "\(path).timeout", "is too short: expected at least 1ms")
    }
    return value
  }

  /// A whole number in an element of a list; what is no number has been reported already.
  private mutating func number(
    _ node: YAMLNode?, _ path: String, _ fallback: Int, in range: ClosedRange<Int>, unset: Int? = nil
  ) -> Int {
    guard let node, let value = node.scalar.flatMap(ScalarForm.integer), value != unset else { return fallback }
    guard range.contains(value) else {
      log.add(
        .error, about: node, path, "\(value) is out of range: expected \(range.lowerBound) to \(range.upperBound)")
      return fallback
    }
    return value
  }

  private mutating func interval(_ path: String) -> Duration {
    let value = duration(path, HealthSettings.Rhythm().interval, least: .zero)
    if value == .zero { return HealthSettings.Rhythm().interval }
    if value < .milliseconds(1), let node = node(path) {
      log.add(.error, about: node, path, "is too short: expected at least 1ms")
    }
    return value
  }

  private mutating func threshold(_ path: String) -> Int { count(path, 0, in: 0...1_000_000) }
}
