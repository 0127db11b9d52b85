// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryMonitoring
internal import GantryWorld

/// Opens a connection, and where there is a request sends it and looks at the status of the answer.
///
/// Isolation: an actor on the loop it is given. One look at a time.
actor NetworkProbe: HealthProbe {
  /// What is sent, and what is well.
  struct Exchange {
    /// The whole request.
    let request: [UInt8]
    let status: Int
  }

  private let name: String
  private let host: String
  private let port: UInt16
  private let timeout: Duration
  private let exchange: Exchange?
  private let loop: EventLoop
  private let workers: any Workers
  private var socket: ClientSocket?
  private var ending: String?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// A probe that calls itself `name` in what it says.
  init(
    _ name: String, host: String, port: UInt16, timeout: Duration, exchange: Exchange?, on loop: EventLoop,
    workers: any Workers
  ) {
    self.name = name
    self.host = host
    self.port = port
    self.timeout = timeout
    self.exchange = exchange
    self.loop = loop
    self.workers = workers
  }

  func look() async -> String? {
    ending = nil
    let timer = loop.clock.after(timeout) { [weak self] in
      self?.assumeIsolated { $0.end("no answer in time") }
    }
    defer { timer.cancel() }
    let (host, port) = (host, port)
    let addresses: [SocketAddress]
    do {
      addresses = try await workers.run { () throws(ResolutionError) in
        try SocketAddress.resolve(host: host, port: port)
      }
    } catch {
      return failure(error.description)
    }
    var latest = "no address"
    for address in addresses where ending == nil {
      do throws(LoopError) {
        let socket = try ClientSocket(connectingTo: address, on: loop)
        self.socket = socket
        defer {
          socket.close()
          self.socket = nil
        }
        try await socket.finishConnecting()
        guard let exchange else { return nil }
        return await answer(to: exchange, over: socket)
      } catch {
        latest = "\(error)"
      }
    }
    return failure(ending ?? latest)
  }

  func cancel() { end("the registry is stopping") }

  private func end(_ reason: String) {
    ending = reason
    socket?.close()
  }

  private func failure(_ reason: String) -> String {
    exchange == nil ? "\(name): connection failed: \(reason)" : "\(name): error while checking: \(reason)"
  }

  /// What is wrong with the answer; its status line is all that is read.
  private func answer(to exchange: Exchange, over socket: ClientSocket) async -> String? {
    var sent = 0
    while sent < exchange.request.count {
      switch socket.send(exchange.request, sent..<exchange.request.count, more: false) {
      case .moved(let count): sent += count
      case .mustWait: await socket.writable()
      case .failed(let code): return failure(ending ?? LoopError.text(code))
      }
    }
    var line = [UInt8](repeating: 0, count: Self.statusLineBytes)
    var received = 0
    while received < line.count {
      switch socket.receive(into: &line, from: received) {
      case .moved(0): return failure("the connection was closed without an answer")
      case .moved(let count): received += count
      case .mustWait: await socket.readable()
      case .failed(let code): return failure(ending ?? LoopError.text(code))
      }
    }
    let text = String(decoding: line, as: UTF8.self)
    guard text.hasPrefix("HTTP/1."), text.dropFirst(8).hasPrefix(" "), let status = Int(text.suffix(3)) else {
      return failure("the answer is not HTTP")
    }
    return status == exchange.status ? nil : "\(name): downstream service returned unexpected status: \(status)"
  }

  /// `HTTP/1.1 200`.
  private static let statusLineBytes = 12
}
