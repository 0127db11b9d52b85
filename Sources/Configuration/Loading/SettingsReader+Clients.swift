// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryPatterns
internal import GantryYAML

extension SettingsReader {
  /// Each range is compared with each request's address.
  private static let rangesMax = 256

  /// The `http.clientlimits` section.
  mutating func clientLimits(isEncrypted: Bool) -> ClientLimitSettings {
    let section = "http.clientlimits"
    let standard = ClientLimitSettings()
    return ClientLimitSettings(
      address: allowance("\(section).address"), user: allowance("\(section).user"),
      connectionsMax: count("\(section).address.connections", standard.connectionsMax, in: 0...1_000_000),
      failedLoginsPerMinute: count(
        "\(section).failedlogins", standard.failedLoginsPerMinute, in: 0...1_000_000),
      exempt: addresses("\(section).exempt") ?? standard.exempt,
      trustedProxies: addresses("\(section).trustedproxies") ?? (isEncrypted ? [] : standard.trustedProxies))
  }

  private mutating func allowance(_ path: String) -> ClientLimitSettings.Allowance {
    let most = 1_000_000
    let allowance = ClientLimitSettings.Allowance(
      rate: count("\(path).rate", 0, in: 0...most), burst: count("\(path).burst", 0, in: 0...most),
      concurrentMax: count("\(path).concurrent", 0, in: 0...most))
    if allowance.burst > 0, allowance.rate == 0, let node = node("\(path).burst") {
      log.add(.warning, about: node, "\(path).burst", "has no effect without rate")
    }
    return allowance
  }

  /// Ranges of addresses; nil when the list is absent.
  private mutating func addresses(_ path: String) -> [String]? {
    guard let list = node(path), list.sequence != nil else { return nil }
    let elements = texts(path)
    guard elements.count <= Self.rangesMax else {
      log.add(.error, about: list, path, "more than \(Self.rangesMax) ranges")
      return []
    }
    var ranges: [String] = []
    for (index, element) in elements.enumerated() {
      do {
        _ = try AddressSet([element.text])
        ranges.append(element.text)
      } catch {
        log.add(.error, about: element.node, "\(path)[\(index)]", "\"\(Shown.text(element.text))\": \(error)")
      }
    }
    return ranges
  }
}
