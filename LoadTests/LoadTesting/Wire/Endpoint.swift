// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops

/// Where connections of a run go: the address that was given, resolved once before the run.
struct Endpoint: Sendable {
  let url: TargetURL
  let addresses: [SocketAddress]
  private let context: TLSContext?

  /// Resolves the host. Blocks.
  init(_ url: TargetURL, _ trust: TrustSettings = TrustSettings()) throws(InputError) {
    self.url = url
    context = url.isSecure ? try TLSContext(trust) : nil
    do throws(ResolutionError) {
      addresses = try SocketAddress.resolve(host: url.host, port: url.port)
    } catch {
      throw InputError("\(url): the host \"\(url.host)\" stands for no address: \(error)")
    }
  }

  /// Connects to the first address that answers. `opening` is told of each attempt, so that it can be cut short.
  func connect(on lane: Lane, opening: (any Transport) -> Void) async throws(LoadError) -> any Transport {
    let (socket, plain) = try await open(on: lane, opening)
    guard let context else { return plain }
    guard let secured = TLSTransport(socket, context, host: url.host) else {
      socket.close()
      throw LoadError(.connect, "\(url): TLS cannot begin: \(TLSContext.lastError())")
    }
    do throws(LoadError) {
      try await secured.shakeHands(with: url)
    } catch {
      socket.close()
      throw error
    }
    return secured
  }

  private func open(on lane: Lane, _ opening: (any Transport) -> Void) async throws(LoadError)
    -> (ClientSocket, any Transport)
  {
    var last = "the host stands for no address"
    for address in addresses {
      do throws(LoopError) {
        let socket = try ClientSocket(connectingTo: address, on: lane.loop)
        let transport = PlainTransport(socket)
        opening(transport)
        do throws(LoopError) {
          try await socket.finishConnecting()
        } catch {
          socket.close()
          throw error
        }
        return (socket, transport)
      } catch {
        last = "\(address.description): \(error)"
      }
    }
    throw LoadError(.connect, "\(url): \(last)")
  }
}
