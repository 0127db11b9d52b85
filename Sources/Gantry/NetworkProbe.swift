// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryMonitoring
internal import GantryTLS
internal import GantryWorld

/// Opens a connection, and where there is a request sends it, over TLS where it says so, and looks at the status of the
/// answer.
///
/// Isolation: an actor on the loop it is given. One look at a time. Its timeout ends what it does itself; how long a
/// name may take to be resolved is the system's to say.
actor NetworkProbe: HealthProbe {
  /// What is sent, and what is well.
  struct Exchange {
    /// The whole request.
    let request: [UInt8]
    let status: Int
    /// Whether it is sent over TLS, to a server whose certificate the system's authorities vouch for.
    let isSecure: Bool
  }

  private struct Trouble: Error {
    let reason: String
  }

  private let name: String
  private let host: String
  private let port: UInt16
  private let timeout: Duration
  private let exchange: Exchange?
  private let loop: EventLoop
  private let errands: any Workers
  private var socket: ClientSocket?
  private var ending: String?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// A probe that calls itself `name` in what it says.
  init(
    _ name: String, host: String, port: UInt16, timeout: Duration, exchange: Exchange?, on loop: EventLoop,
    errands: any Workers
  ) {
    self.name = name
    self.host = host
    self.port = port
    self.timeout = timeout
    self.exchange = exchange
    self.loop = loop
    self.errands = errands
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
      addresses = try await errands.run { () throws(ResolutionError) in
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

  // MARK: An exchange

  /// What is wrong with the answer; its status line is all that is read.
  private func answer(to exchange: Exchange, over socket: ClientSocket) async -> String? {
    do throws(Trouble) {
      let session = exchange.isSecure ? try await secure(socket) : nil
      try await send(exchange.request, session, socket)
      let status = try await status(session, socket)
      if status == exchange.status { return nil }
      let note = (300..<400).contains(status) ? " (redirects are not followed: name the place itself)" : ""
      return "\(name): downstream service returned unexpected status: \(status)\(note)"
    } catch {
      return failure(ending ?? error.reason)
    }
  }

  /// Agrees on keys with the server, and verifies it. The authorities are read anew, so that they may be exchanged.
  private func secure(_ socket: ClientSocket) async throws(Trouble) -> TLSClientSession {
    let context: TLSClientContext
    do {
      context = try await errands.run { () throws(TLSError) in try TLSClientContext() }
    } catch {
      throw Trouble(reason: error.description)
    }
    let session: TLSClientSession
    do { session = try TLSClientSession(context, host: host) } catch { throw Trouble(reason: error.description) }
    while true {
      let isComplete: Bool
      do { isComplete = try session.handshake() } catch {
        // The server is told why, as far as it takes it.
        _ = socket.send(session.records.output, 0..<session.records.output.count, more: false)
        throw Trouble(reason: error.description)
      }
      try await flush(session, socket)
      if isComplete { return session }
      try await feed(session, socket)
    }
  }

  private func send(_ bytes: [UInt8], _ session: TLSClientSession?, _ socket: ClientSocket) async throws(Trouble) {
    guard let session else { return try await put(bytes, socket) }
    do { try session.write(bytes) } catch { throw Trouble(reason: error.description) }
    try await flush(session, socket)
  }

  /// Reads as far as the status.
  private func status(_ session: TLSClientSession?, _ socket: ClientSocket) async throws(Trouble) -> Int {
    var line: [UInt8] = []
    while line.count < Self.statusLineBytes {
      let missing = Self.statusLineBytes - line.count
      if let session {
        let count: Int?
        do { count = try session.read(into: &line, atMost: missing) } catch {
          throw Trouble(reason: error.description)
        }
        try await flush(session, socket)
        if count == 0 { throw Self.noAnswer }
        if count == nil { try await feed(session, socket) }
      } else {
        line += try await take(atMost: missing, socket)
      }
    }
    let text = String(decoding: line, as: UTF8.self)
    guard text.hasPrefix("HTTP/1."), text.dropFirst(8).hasPrefix(" "), let status = Int(text.suffix(3)) else {
      throw Trouble(reason: "the answer is not HTTP")
    }
    return status
  }

  /// `HTTP/1.1 200`.
  private static let statusLineBytes = 12
  private static let recordBytes = 16 << 10
  private static let noAnswer = Trouble(reason: "the connection was closed without an answer")

  // MARK: Bytes

  private func flush(_ session: TLSClientSession, _ socket: ClientSocket) async throws(Trouble) {
    let bytes = session.records.output
    session.records.output = []
    try await put(bytes, socket)
  }

  private func feed(_ session: TLSClientSession, _ socket: ClientSocket) async throws(Trouble) {
    session.records.receive(try await take(atMost: Self.recordBytes, socket))
  }

  private func put(_ bytes: [UInt8], _ socket: ClientSocket) async throws(Trouble) {
    var sent = 0
    while sent < bytes.count {
      switch socket.send(bytes, sent..<bytes.count, more: false) {
      case .moved(let count): sent += count
      case .mustWait: await socket.writable()
      case .failed(let code): throw Trouble(reason: LoopError.text(code))
      }
    }
  }

  /// At least one byte.
  private func take(atMost limit: Int, _ socket: ClientSocket) async throws(Trouble) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    while true {
      switch socket.receive(into: &bytes) {
      case .moved(0): throw Self.noAnswer
      case .moved(let count): return Array(bytes.prefix(count))
      case .mustWait: await socket.readable()
      case .failed(let code): throw Trouble(reason: LoopError.text(code))
      }
    }
  }
}
