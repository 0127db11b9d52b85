// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryPatterns
internal import GantryWorld

/// Finds among the sockets that the service manager has opened the one for an address of the configuration: by where it
/// listens, else by its name (`FileDescriptorName=`).
enum ActivatedListener {
  /// The socket; nil when none is at that place or of that name.
  static func find(
    _ sockets: [BoundSocket.Activated], named name: String, for address: GantryConfiguration.ListenAddress
  ) -> BoundSocket? {
    let found = sockets.first { isSame(GantryConfiguration.ListenAddress($0.socket.address), address) }
    return (found ?? sockets.first { $0.name == name })?.socket
  }

  /// The socket, or, where only one was passed on, that one, as in Distribution; with a warning where it listens
  /// elsewhere than the configuration says. Nil when none was passed on.
  static func choose(
    _ sockets: [BoundSocket.Activated], named name: String, for address: GantryConfiguration.ListenAddress
  ) throws(StartError) -> (socket: BoundSocket, warning: String?)? {
    guard !sockets.isEmpty else { return nil }
    let found = find(sockets, named: name, for: address) ?? (sockets.count == 1 ? sockets[0].socket : nil)
    guard let found else {
      let places = sockets.map { "\($0.name) at \(GantryConfiguration.ListenAddress($0.socket.address))" }
      throw .address(
        "of the sockets that were passed on (\(places.joined(separator: ", "))) none is \(address), and none is named "
          + "\(name): set FileDescriptorName=\(name)")
    }
    let place = GantryConfiguration.ListenAddress(found.address)
    if isSame(place, address) { return (found, nil) }
    return (found, "listening on \(place), as the service manager says, and not on \(address)")
  }

  static func isSame(_ one: GantryConfiguration.ListenAddress, _ other: GantryConfiguration.ListenAddress) -> Bool {
    switch (one, other) {
    case (.unix(let one), .unix(let other)): one == other
    case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
      port == otherPort && hosts(host).contains { hosts(otherHost).contains($0) }
    case (.unix, .tcp), (.tcp, .unix): false
    }
  }

  /// What a host may be called by the system.
  private static func hosts(_ host: String) -> [String] {
    switch host {
    case "", "0.0.0.0", "::": [""]
    case "localhost": ["127.0.0.1", "::1"]
    default: [host]
    }
  }
}
