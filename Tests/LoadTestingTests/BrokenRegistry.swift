// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Synchronization

@testable import GantryLoadTesting

/// A proxy before a registry that does one thing wrong in answers to GET; other requests pass. Requests have no bodies.
final class BrokenRegistry: Sendable {
  enum Fault: Sendable, CaseIterable {
    case none, corruptsLastByte, cutsBeforeAnswer, cutsWithinHead, cutsWithinBody, isSilent, answers500, talksNonsense
    /// Leaves the sixth name out of tag lists and catalogs.
    case losesName
    /// Leaves Link out.
    case losesLink
    /// Answers right, but 50 ms late.
    case isSlow
  }

  let port: UInt16
  let fault: Fault
  private let group: LoopGroup
  private let upstream: SocketAddress
  private let listener = Mutex<(any StreamListener)?>(nil)
  private let streams = Streams()

  /// Every stream that is open, so that stopping leaves none. Touched on the loop only.
  private final class Streams: @unchecked Sendable {
    // Safe because: touched on the proxy's loop only.
    var open: [ObjectIdentifier: any ByteStream] = [:]
    var tasks: [LoopTask] = []
  }

  init(before upstreamPort: UInt16, _ fault: Fault) throws {
    self.fault = fault
    upstream = try SocketAddress.resolve(host: "127.0.0.1", port: upstreamPort)[0]
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
        streams.tasks.append(spawn(on: loop) { [self] in await serve(box.stream, loop) })
      }
    }
    ready.wait()
  }

  private struct StreamBox: @unchecked Sendable {
    // Safe because: made and used on the proxy's loop.
    let stream: any ByteStream
    init(_ stream: any ByteStream) { self.stream = stream }
  }

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

  private func serve(_ stream: any ByteStream, _ loop: EventLoop) async {
    guard let socket = try? ClientSocket(connectingTo: upstream, on: loop) else { return stream.close() }
    defer {
      socket.close()
      stream.close()
      streams.open[ObjectIdentifier(stream)] = nil
    }
    do {
      try await socket.finishConnecting()
      while true {
        var request: [UInt8] = []
        while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
          if try await stream.read(into: &request, atMost: 4096) == 0 { return }
        }
        let isGet = request.starts(with: "GET ".utf8)
        guard let answer = try await answer(to: request, socket) else { return }
        try await pass(answer, isGet ? fault : .none, to: stream, loop)
      }
    } catch {
      // Either end is gone: the connection is over.
    }
  }

  /// The registry's whole answer; nil where it closed the connection.
  private func answer(to request: [UInt8], _ socket: ClientSocket) async throws -> [UInt8]? {
    _ = socket.send(request, 0..<request.count, more: false)
    var answer: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 16)
    var whole = Int.max
    while answer.count < whole {
      await socket.readable()
      switch socket.receive(into: &room) {
      case .moved(0), .failed: return nil
      case .moved(let count): answer += room[..<count]
      case .mustWait: continue
      }
      var head = AnswerHead()
      if case .complete(let end) = head.parse(answer, 0, answer.count), case .length(let length) = head.framing {
        whole = request.starts(with: "HEAD".utf8) ? end : end + length
      }
    }
    return answer
  }

  private func pass(_ answer: [UInt8], _ fault: Fault, to stream: any ByteStream, _ loop: EventLoop) async throws {
    switch fault {
    case .none: try await stream.write(answer, more: false)
    case .corruptsLastByte:
      var changed = answer
      changed[changed.count - 1] ^= 1
      try await stream.write(changed, more: false)
    case .cutsBeforeAnswer: stream.close()
    case .cutsWithinHead:
      try await stream.write(Array(answer.prefix(20)), more: false)
      stream.close()
    case .cutsWithinBody:
      try await stream.write(answer.dropLast(10), more: false)
      stream.close()
    case .isSilent:
      var rest: [UInt8] = []
      _ = try await stream.read(into: &rest, atMost: 1)
    case .answers500:
      let text = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nouch\n"
      try await stream.write(Array(text.utf8), more: false)
    case .talksNonsense: try await stream.write(Array("SSH-2.0-OpenSSH_9.2\r\n\r\n".utf8), more: false)
    case .losesName: try await stream.write(Self.without("\"tag-0000005\",", answer), more: false)
    case .losesLink:
      let lines = String(decoding: answer, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
      let kept = lines.filter { !$0.lowercased().hasPrefix("link:") }
      try await stream.write(Array(kept.joined(separator: "\r\n").utf8), more: false)
    case .isSlow:
      await withUnsafeContinuation { continuation in
        _ = loop.clock.after(.milliseconds(50)) { continuation.resume() }
      }
      try await stream.write(answer, more: false)
    }
  }
}

extension BrokenRegistry {
  /// An answer without a piece of its body, and with the length that it has then.
  private static func without(_ piece: String, _ answer: [UInt8]) -> [UInt8] {
    let text = String(decoding: answer, as: UTF8.self)
    guard let found = text.firstRange(of: piece), let end = text.firstRange(of: "\r\n\r\n") else { return answer }
    let body = text[end.upperBound..<found.lowerBound] + text[found.upperBound...]
    let head = text[..<end.lowerBound].split(separator: "\r\n").map { line in
      line.lowercased().hasPrefix("content-length:") ? "Content-Length: \(body.utf8.count)" : String(line)
    }
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
  }
}

extension [UInt8] {
  fileprivate func dropLast(_ count: Int) -> [UInt8] { Array(prefix(self.count - count)) }
}
