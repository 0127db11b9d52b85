// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTLS
import GantryTestKit
import GantryWorld
import Testing

@Suite struct BadInputTests {
  private func failure(_ bytes: [UInt8], split: Int) throws -> TLSFailure? {
    let session = try TLSSession(Known.context())
    var rest = bytes[...]
    while !rest.isEmpty {
      session.records.compact()
      session.records.receive(Array(rest.prefix(split)))
      rest = rest.dropFirst(split)
      do throws(TLSFailure) { _ = try session.handshake() } catch { return error }
    }
    return nil
  }

  @Test("What is no TLS is refused", arguments: [1, 2, 5, .max])
  func garbage(_ split: Int) throws {
    #expect(try failure(Array("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n".utf8), split: split) == .plainHTTP)
    #expect(try failure(Array("PUT /v2/ HTTP/1.1\r\n".utf8), split: split) == .plainHTTP)
    #expect(try failure(Array("CONNECT a:1 HTTP/1.1\r\n".utf8), split: split) == .plainHTTP)
    for bytes in [
      Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), [UInt8](repeating: 0, count: 64), [UInt8](repeating: 0xFF, count: 64),
      [0x16, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 100), [0x17, 3, 3, 0, 5, 1, 2, 3, 4, 5],
      [0x15, 3, 3, 0, 2, 2, 40], Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
    ] {
      let failure = try failure(bytes, split: split)
      #expect(failure != nil && failure?.description.isEmpty == false, "\(bytes)")
    }
  }

  @Test("A handshake with a wrong byte anywhere ends or is not disturbed, and never crashes", arguments: [12, 13])
  func disturbedHandshakes(_ version: Int) throws {
    var client = TLSClient.Settings()
    client.version = version
    let context = try Known.context()
    var random = SplitMix(seed: UInt64(version))
    for _ in 0..<400 {
      let exchange = try Exchange(context, client)
      let flight = Int(random.next() % 2)
      var flights = 0
      let (place, bit) = (random.next(), UInt8(1) << UInt8(random.next() % 8))
      exchange.disturb = { bytes in
        guard !bytes.isEmpty else { return bytes }
        defer { flights += 1 }
        guard flights == flight else { return bytes }
        var changed = bytes
        // Of the second flight the last bytes, which are sealed: the version that a record's head tells and the message
        // that a change of ciphers was in TLS 1.2 mean nothing any more, and nobody looks at them.
        let reach = flight == 0 ? bytes.count : min(bytes.count, 16)
        changed[bytes.count - 1 - Int(place % UInt64(reach))] ^= bit
        return changed
      }
      exchange.run()
      exchange.disturb = nil
      if let failure = exchange.serverFailure { #expect(!failure.description.isEmpty) }
      #expect(flight == 0 || exchange.serverFailure != nil || flights <= flight, "a changed Finished was taken")
    }
  }

  @Test("Garbage after the handshake ends the session, and the client is told", arguments: [12, 13])
  func garbageAfterwards(_ version: Int) throws {
    for bytes in [
      [UInt8]([0x17, 3, 3, 0, 40]) + [UInt8](repeating: 7, count: 40), Array("GET / HTTP/1.1\r\n\r\n".utf8),
      [0x16, 3, 3, 0, 4, 1, 0, 0, 0], [0x17, 3, 3, 0xFF, 0xFF],
    ] {
      var client = TLSClient.Settings()
      client.version = version
      let exchange = try Exchange(Known.context(), client)
      exchange.run()
      exchange.client.write([1, 2, 3])
      exchange.session.records.receive(exchange.client.take() + bytes)
      var content: [UInt8] = []
      // What came before the garbage is whole.
      #expect(try exchange.session.read(into: &content, atMost: 100) == .content(3))
      #expect(throws: TLSFailure.self) { try exchange.session.read(into: &content, atMost: 100) }
      #expect(content == [1, 2, 3])
      #expect(!exchange.session.records.output.isEmpty)
      // After it nothing is said but the alert.
      let said = exchange.session.records.output
      exchange.session.finish()
      #expect(exchange.session.records.output == said)
    }
  }

  @Test("A client that asks for new keys and reads nothing does not fill the memory")
  func endlessKeyUpdates() throws {
    var client = TLSClient.Settings()
    client.version = 13
    let exchange = try Exchange(Known.context(), client)
    exchange.run()
    var content: [UInt8] = []
    var hasFailed = false
    for _ in 0..<20_000 where !hasFailed {
      exchange.client.updateKeys()
      exchange.session.records.compact()
      exchange.session.records.receive(exchange.client.take())
      do throws(TLSFailure) {
        #expect(try exchange.session.read(into: &content, atMost: 100) == .needsInput)
      } catch {
        hasFailed = true
      }
      #expect(exchange.session.records.output.count < 70_000)
    }
  }

  @Test("Renegotiation is not served")
  func renegotiation() throws {
    // A second ClientHello, in the clear after the handshake of TLS 1.2, is an unauthenticated record.
    var client = TLSClient.Settings()
    client.version = 12
    let exchange = try Exchange(Known.context(), client)
    exchange.run()
    let other = TLSClient(client)
    _ = other.handshake()
    exchange.session.records.receive(other.take())
    var content: [UInt8] = []
    #expect(throws: TLSFailure.self) { try exchange.session.read(into: &content, atMost: 100) }
  }

  /// Numbers from a seed.
  private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }
}
