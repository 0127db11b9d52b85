// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import Logging

extension RegistryHost {
  /// The body of `registry serve`: loads the configuration (nil: the built-in default), serves until a signal, and
  /// stops.
  public static func serve(configurationPath path: String?) throws(StartError) {
    let environment = ConfigurationFile.environment
    let activated = BoundSocket.takeActivated(environment)
    let loaded = try ConfigurationFile.load(path)
    SystemProcess.holdStopSignals()
    let host = try RegistryHost(
      loaded.settings, diagnostics: loaded.diagnostics, activated: activated, notifier: ServiceNotifier(environment))
    host.announce(isBuiltIn: path == nil)
    try host.runUntilSignalled { () throws(StartError) in try ConfigurationFile.load(path) }
  }

  /// Says where the registry is and how to push to it.
  private func announce(isBuiltIn: Bool) {
    if isBuiltIn {
      logger.warning(
        "no configuration was named: serving this machine only, data in ./data, deletion enabled")
    }
    guard case .tcp(let host, let port) = address else { return }
    let name = host.isEmpty ? "localhost" : host.contains(":") ? "[\(host)]" : host
    let place = "\(name):\(port)"
    logger.info("push with: docker tag IMAGE \(place)/NAME && docker push \(place)/NAME")
  }
}
