// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryWorld
internal import Logging

extension RegistryHost {
  /// The registry's socket and the operator's, where one is asked for: those that the service manager has opened for
  /// them, else our own. What it has opened beyond them is closed, so that nobody waits there for ever.
  static func sockets(
    _ settings: HTTPSettings, _ activated: [BoundSocket.Activated], logger: Logger
  ) throws(StartError) -> (main: BoundSocket, debug: BoundSocket?) {
    // That of the operator's listener is not for the world, whatever its place.
    let forDebug = settings.debug.address.flatMap { ActivatedListener.find(activated, named: debugName, for: $0) }
    let others = activated.filter { $0.name != debugName && $0.socket !== forDebug }
    let chosen = try ActivatedListener.choose(others, named: "http", for: settings.address)
    if let warning = chosen?.warning { logger.warning("\(warning)") }
    for unused in activated where unused.socket !== forDebug && unused.socket !== chosen?.socket {
      let place = GantryConfiguration.ListenAddress(unused.socket.address)
      logger.warning("nothing is served on the socket \(unused.name) at \(place), which the service manager passed on")
      unused.socket.close()
    }
    let main = if let chosen { chosen.socket } else { try bound(to: settings.address) }
    guard let address = settings.debug.address else { return (main, nil) }
    if let forDebug { return (main, forDebug) }
    do { return (main, try BoundSocket(GantryWorld.ListenAddress(address))) } catch {
      throw .address("http.debug.addr: \(error.description)")
    }
  }

  /// How the operator's socket is called by the service manager.
  private static let debugName = "debug"

  private static func bound(to address: GantryConfiguration.ListenAddress) throws(StartError) -> BoundSocket {
    do { return try BoundSocket(GantryWorld.ListenAddress(address)) } catch { throw .address(error.description) }
  }

  /// Goes on as the configured user. Called when every socket is bound and every key is read, and before the storage is
  /// touched, so that what it makes belongs to that user, as the names of the sockets do. Never goes on with what it
  /// was asked to give up.
  static func dropPrivileges(
    _ settings: ProcessSettings, keeping sockets: [BoundSocket], logger: Logger
  ) throws(StartError) {
    guard let name = settings.user else { return }
    do throws(ProcessUser.Failure) {
      let user = try ProcessUser(user: name, group: settings.group)
      for socket in sockets { try user.own(socket) }
      try user.become()
    } catch {
      throw .privileges(error.description)
    }
    logger.info("going on as user \(name)")
  }
}
