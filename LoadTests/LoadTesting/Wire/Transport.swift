// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops

/// Bytes to and from a server: a socket, or TLS over one.
protocol Transport: AnyObject {
  func receive(into buffer: inout [UInt8]) -> ClientSocket.Transfer
  func discard(atMost limit: Int) -> ClientSocket.Transfer
  func send(_ bytes: [UInt8], _ range: Range<Int>, more: Bool) -> ClientSocket.Transfer
  func readable() async
  func writable() async
  func close()
  /// Whether bytes can be taken off without copying them.
  var canDiscard: Bool { get }
  /// Whether bytes were received already that no poll will tell of.
  var hasBuffered: Bool { get }
}

/// A plain socket.
final class PlainTransport: Transport {
  let socket: ClientSocket

  init(_ socket: ClientSocket) { self.socket = socket }

  func receive(into buffer: inout [UInt8]) -> ClientSocket.Transfer { socket.receive(into: &buffer) }
  func discard(atMost limit: Int) -> ClientSocket.Transfer { socket.discard(atMost: limit) }
  func send(_ bytes: [UInt8], _ range: Range<Int>, more: Bool) -> ClientSocket.Transfer {
    socket.send(bytes, range, more: more)
  }
  func readable() async { await socket.readable() }
  func writable() async { await socket.writable() }
  func close() { socket.close() }
  var canDiscard: Bool { true }
  var hasBuffered: Bool { false }
}
