// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryWorld
internal import Logging

extension RegistryHost {
  /// The socket of an address: one that the service manager has opened, else one of our own.
  static func socket(
    for address: GantryConfiguration.ListenAddress, _ activated: [BoundSocket.Activated], logger: Logger
  ) throws(StartError) -> BoundSocket {
    // That of the operator's listener is not for the world, whatever its place.
    let activated = activated.filter { $0.name != "debug" }
    if let chosen = try ActivatedListener.choose(activated, named: "http", for: address) {
      if let warning = chosen.warning { logger.warning("\(warning)") }
      return chosen.socket
    }
    do { return try BoundSocket(GantryWorld.ListenAddress(address)) } catch { throw .address(error.description) }
  }

  /// The socket of the operator's listener; nil where none is asked for.
  static func debugSocket(
    _ settings: DebugSettings, _ activated: [BoundSocket.Activated]
  ) throws(StartError) -> BoundSocket? {
    guard let address = settings.address else { return nil }
    if let found = activated.first(where: { $0.name == "debug" }) { return found.socket }
    do { return try BoundSocket(GantryWorld.ListenAddress(address)) } catch {
      throw .address("http.debug.addr: \(error.description)")
    }
  }

  /// Goes on as the configured user. Called when every socket is bound and every key is read, and before the storage is
  /// touched, so that what it makes belongs to that user. Never goes on with what it was asked to give up.
  static func dropPrivileges(_ settings: ProcessSettings, logger: Logger) throws(StartError) {
    guard let name = settings.user else { return }
    do throws(ProcessUser.Failure) {
      try ProcessUser(user: name, group: settings.group).become()
    } catch {
      throw .privileges(error.description)
    }
    logger.info("going on as user \(name)")
  }
}
