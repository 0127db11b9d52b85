// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// One client of a history: does its deeds one after the other, comes back after what befalls it, and judges every
/// answer by the ledger.
///
/// Not `Sendable`: used by one task.
final class SimulatedClient {
  /// An answer and the time around it.
  struct Answer {
    var reply: HTTPReply
    var start: Int
    var end: Int
    var status: Int { reply.status }
  }

  let name: String
  let town: Town
  var generator: SplitMix64
  var abandoned: [UploadProgress] = []
  /// Whether it stops before the last byte of what it sends.
  var dawdles = false
  private var connection: (client: HTTPClient, server: Int)?

  init(name: String, town: Town, generator: SplitMix64) {
    self.name = name
    self.town = town
    self.generator = generator
  }

  var ledger: Ledger { town.ledger }
  var stock: Stock { town.stock }

  /// Ends the connection.
  func leave() {
    connection?.client.stream.close()
    connection = nil
  }

  func note(_ text: @autoclosure () -> String) {
    town.simulated.scheduler.note("\(name): \(text())")
  }

  /// One of `items`.
  func any<T>(_ items: [T]) -> T {
    items[generator.below(items.count)]
  }

  // MARK: Requests

  /// Asks, and enters what is intended. Nil when no answer came.
  ///
  /// - Parameter applies: whether an answer of this status says that the intents were done.
  func ask(
    _ method: String, _ target: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil,
    isStreamed: Bool = false, intending intents: [Ledger.Intent] = [], faultsBefore: Int? = nil,
    applies: (Int) -> Bool = { $0 < 300 }
  ) async -> Answer? {
    guard !ledger.isFailed, let (client, server) = await connected() else { return nil }
    let faults = faultsBefore ?? town.simulated.disk.faultCount
    ledger.noteRequest()
    let tickets = intents.map { ledger.begin($0, server: server) }
    let start = ledger.tick()
    maybeCut(client.stream, bytes: (body?.count ?? 0) + 300)
    let message = Self.message(method, target, fields, body, isStreamed: isStreamed)
    let summary = "\(method) \(target.prefix(90))\(body.map { " (\($0.count) bytes)" } ?? "") at server \(server)"
    do {
      let reply = try await exchange(client, message, isHead: method == "HEAD", hasBody: body?.isEmpty == false)
      let end = ledger.tick()
      note("\(summary) -> \(reply.status)")
      // A mount that a fault broke off is answered with an upload, and may have been made all the same.
      let isBrokenOff = reply.status < 300 && town.simulated.disk.faultCount != faults
      for ticket in tickets {
        ledger.settle(ticket, applies(reply.status) ? .done : reply.status >= 500 || isBrokenOff ? .doubtful : .refused)
      }
      if reply.status >= 500 {
        if town.simulated.disk.faultCount == faults, !town.isStopping(server) {
          ledger.fail("\(summary) -> \(reply.status) without a fault: \(reply.text.prefix(300))")
        }
        let isClear = method == "HEAD" || reply.text.contains("\"errors\"")
        if ![503, 507].contains(reply.status) || reply.first("Retry-After") == nil || !isClear {
          ledger.fail("\(summary) -> \(reply.status) does not say what to do: \(reply.text.prefix(300))")
        }
      }
      if reply.first("connection")?.lowercased() == "close" || generator.oneIn(8) { leave() }
      return Answer(reply: reply, start: start, end: end)
    } catch {
      note("\(summary) -> \(error)")
      if case .malformed(let what) = error { ledger.fail("\(summary): no HTTP response: \(what)") }
      leave()
      return nil
    }
  }

  private func exchange(
    _ client: HTTPClient, _ message: [UInt8], isHead: Bool, hasBody: Bool
  ) async throws(HTTPClientError) -> HTTPReply {
    do throws(HTTPClientError) {
      if dawdles, hasBody {
        // Longer than others wait for the lease of what this request works on.
        try await client.send(Array(message.dropLast(1)))
        await town.simulated.pause(for: .milliseconds(1500))
        try await client.send(Array(message.suffix(1)))
      } else {
        try await client.send(message)
      }
    } catch {
      // The server may have answered before it hung up.
      guard let reply = try? await client.reply(toHead: isHead), reply.status >= 200 else { throw error }
      return reply
    }
    while true {
      let reply = try await client.reply(toHead: isHead)
      if reply.status >= 200 { return reply }
    }
  }

  private static func message(
    _ method: String, _ target: String, _ fields: [(name: String, value: String)], _ body: [UInt8]?, isStreamed: Bool
  ) -> [UInt8] {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: registry.test\r\n"
    for (name, value) in fields { head += "\(name): \(value)\r\n" }
    guard let body else { return Array((head + "\r\n").utf8) }
    guard isStreamed else { return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body }
    var bytes = Array((head + "Transfer-Encoding: chunked\r\n\r\n").utf8)
    var at = 0
    while at < body.count {
      let count = min(body.count - at, 7_000)
      bytes += Array((String(count, radix: 16) + "\r\n").utf8) + body[at..<(at + count)] + [13, 10]
      at += count
    }
    return bytes + Array("0\r\n\r\n".utf8)
  }

  private func connected() async -> (HTTPClient, Int)? {
    if let connection { return connection }
    for _ in 0..<4_000 {
      if ledger.isFailed { return nil }
      let (address, server) = town.door(generator.next())
      if let server, let stream = try? town.simulated.network.connect(to: address, on: town.loop) {
        let made = (client: HTTPClient(stream), server: server)
        connection = made
        return made
      }
      await town.simulated.pause(for: .milliseconds(20))
    }
    ledger.fail("\(name) finds no server that accepts connections")
    return nil
  }

  /// Cuts the connection somewhere in what comes next.
  private func maybeCut(_ stream: SimulatedStream, bytes: Int) {
    guard !town.isCalm, generator.oneIn(town.cutOneIn) else { return }
    let side: SimulatedConnection.Side = generator.oneIn(3) ? .client : .server
    let delivered = stream.connection.deliveredCount(to: side)
    ledger.noteCut()
    stream.connection.reset(
      afterDelivering: delivered + 1 + generator.below(side == .client ? 200 : max(1, bytes)), to: side)
  }
}
