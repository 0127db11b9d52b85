// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Synchronization

@testable import GantryLoadTesting

/// An HTTP server that answers each head by a function of it, in the clear or over TLS. Requests have no bodies.
final class CannedServer: Sendable {
  /// What a request says and a test answers by.
  struct Request: Sendable {
    /// Method and target.
    var line: String
    /// The value of Authorization.
    var authorization: String?
    /// How many requests came before it.
    var number: Int
  }

  /// What is answered.
  struct Answer: Sendable {
    var status = 200
    var fields: [(name: String, value: String)] = []
    var body = "hello\n"
  }

  let port: UInt16
  private let group: LoopGroup
  private let listener = Mutex<(any StreamListener)?>(nil)
  private let streams = Streams()
  private let identity: TestIdentity?
  private let hangsUp: Bool
  private let answer: @Sendable (Request) -> Answer
  private let heads = Mutex<[String]>([])

  private final class Streams: @unchecked Sendable {
    // Safe because: touched on the server's loop only.
    var open: [ObjectIdentifier: any ByteStream] = [:]
    var tasks: [LoopTask] = []
  }

  private struct StreamBox: @unchecked Sendable {
    // Safe because: made and used on the server's loop.
    let stream: any ByteStream
    init(_ stream: any ByteStream) { self.stream = stream }
  }

  /// Serves on a port of 127.0.0.1 until ``stop()``; over TLS as `identity`, when that is given. With `hangsUp` it
  /// closes each connection after one answer, without announcing it.
  init(
    _ identity: TestIdentity? = nil, hangsUp: Bool = false, _ answer: @escaping @Sendable (Request) -> Answer
  ) throws {
    (self.identity, self.hangsUp, self.answer) = (identity, hangsUp, answer)
    let socket = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(_, let port) = socket.address else { throw InputError("no port") }
    self.port = port
    group = LoopGroup(loops: 1, workers: 1)
    let loop = group.loops[0]
    let ready = ThreadGate()
    spawn(on: loop) { [self] in
      guard let listener = try? socket.listener(on: loop) else { return ready.open() }
      self.listener.withLock { $0 = listener }
      ready.open()
      while let accepted = try? await listener.accept() {
        guard let stream = try? accepted.open(on: loop) else { continue }
        streams.open[ObjectIdentifier(stream)] = stream
        let box = StreamBox(stream)
        streams.tasks.append(spawn(on: loop) { [self] in await serve(box.stream) })
      }
    }
    ready.wait()
  }

  /// The first lines of all requests so far.
  var lines: [String] { heads.withLock { $0 } }

  func stop() {
    let gate = ThreadGate()
    spawn(on: group.loops[0]) { [self] in
      listener.withLock { $0 }?.close()
      for stream in streams.open.values { stream.close() }
      for task in streams.tasks { await task.value }
      gate.open()
    }
    gate.wait()
    group.stop()
  }

  private func serve(_ stream: any ByteStream) async {
    defer {
      stream.close()
      streams.open[ObjectIdentifier(stream)] = nil
    }
    do {
      let session = try identity.map { try ServerSession($0) }
      var request: [UInt8] = []
      while true {
        var arrived: [UInt8] = []
        if try await stream.read(into: &arrived, atMost: 16 << 10) == 0 { return }
        if let session {
          request += try session.take(arrived)
          let reply = session.waiting()
          if !reply.isEmpty { try await stream.write(reply, more: false) }
        } else {
          request += arrived
        }
        while let end = Self.end(of: request) {
          let text = Self.text(answer(to: String(decoding: request[..<end], as: UTF8.self)))
          request.removeFirst(end)
          try await stream.write(session?.seal(text) ?? text, more: false)
          if hangsUp { return }
        }
      }
    } catch {
      // The client is gone, or does not speak as we do: the connection is over.
    }
  }

  private func answer(to head: String) -> Answer {
    let lines = head.split(separator: "\r\n").map(String.init)
    let name = "authorization: "
    let authorization = lines.first { $0.lowercased().hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    let line = lines.first.map { String($0.dropLast(" HTTP/1.1".count)) } ?? ""
    let number = heads.withLock { heads in
      heads.append(line)
      return heads.count - 1
    }
    return answer(Request(line: line, authorization: authorization, number: number))
  }

  private static func end(of request: [UInt8]) -> Int? {
    guard request.count >= 4 else { return nil }
    for start in 0...request.count - 4 where request[start..<start + 4].elementsEqual("\r\n\r\n".utf8) {
      return start + 4
    }
    return nil
  }

  private static func text(_ answer: Answer) -> [UInt8] {
    var text = "HTTP/1.1 \(answer.status) X\r\nContent-Length: \(answer.body.utf8.count)\r\n"
    for field in answer.fields { text += "\(field.name): \(field.value)\r\n" }
    return Array("\(text)\r\n\(answer.body)".utf8)
  }
}
