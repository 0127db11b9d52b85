// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryLimiting
internal import GantryPatterns

extension RequestLimiter {
  /// The limiter as configured; nil when no client is limited.
  convenience init?(_ settings: ClientLimitSettings) throws(StartError) {
    let exempt = try AddressSet(settings.exempt, of: "exempt")
    self.init(address: Allowance(settings.address), user: Allowance(settings.user), exempt: exempt)
  }
}

extension ConnectionLimiter {
  /// The limiter as configured; nil when no address is limited. All clients of a proxy come from its address.
  convenience init?(_ settings: ClientLimitSettings) throws(StartError) {
    guard settings.connectionsMax > 0 else { return nil }
    self.init(
      connectionsMax: settings.connectionsMax,
      exempt: try AddressSet(settings.exempt + settings.trustedProxies, of: "exempt, trustedproxies"))
  }
}

extension Allowance {
  init(_ settings: ClientLimitSettings.Allowance) {
    self.init(
      rate: settings.rate, burst: settings.burst > 0 ? settings.burst : max(1, 10 * settings.rate),
      concurrentMax: settings.concurrentMax)
  }
}

extension LoginBrake {
  /// The brake as configured; nil when nobody is slowed down.
  convenience init?(_ settings: ClientLimitSettings) {
    guard settings.failedLoginsPerMinute > 0 else { return nil }
    self.init(failuresPerMinute: settings.failedLoginsPerMinute)
  }
}

extension AddressSet {
  /// The loader has tried the ranges of a file; those of settings made in code are tried here, because one that is
  /// dropped would be another limit.
  init(_ texts: [String], of list: String) throws(StartError) {
    do { try self.init(texts) } catch { throw .settings("http.clientlimits.\(list): \(error)") }
  }
}
