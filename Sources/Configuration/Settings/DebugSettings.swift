// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http.debug` section: the second listener, for operators.
public struct DebugSettings: Sendable, Equatable {
  /// `http.debug.addr`: where it listens. Default none: there is no second listener and nothing is measured for it.
  public var address: ListenAddress?
  /// `http.debug.prometheus.enabled`: whether it shows metrics. Default false.
  public var isPrometheusEnabled: Bool
  /// `http.debug.prometheus.path`: where; begins with a slash. Default `/metrics`.
  public var prometheusPath: String

  /// Makes the section.
  public init(
    address: ListenAddress? = nil, isPrometheusEnabled: Bool = false, prometheusPath: String = "/metrics"
  ) {
    self.address = address
    self.isPrometheusEnabled = isPrometheusEnabled
    self.prometheusPath = prometheusPath
  }

  /// Paths of the listener that metrics cannot have.
  static let takenPaths = ["/debug/health", "/livez", "/readyz", "/"]
}
