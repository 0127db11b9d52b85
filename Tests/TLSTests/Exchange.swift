// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTLS
import GantryTestKit
import GantryWorld
import Glibc
import Synchronization

/// A time of day that tests set.
final class SetClock: WallClock {
  private let time: Mutex<WallTime>
  init(_ time: WallTime) { self.time = Mutex(time) }
  var now: WallTime {
    get { time.withLock { $0 } }
    set { time.withLock { $0 = newValue } }
  }
}

/// What tests sign with, and whom they know.
enum Known {
  static let authority = CertificateAuthority()
  static let stranger = CertificateAuthority(name: "Stranger")
  static let localhost = authority.issue("localhost", ["DNS:localhost", "IP:127.0.0.1"])
  static let other = authority.issue("other", ["DNS:other.test", "DNS:*.wild.test"])
  static let alice = authority.issue("alice", ["email:alice@example.test", "DNS:alice.example.test"])
  static let expired = authority.issue("expired", [], .expired)
  static let selfSigned = authority.selfSigned("alice")
  static let strange = stranger.issue("alice")
  static let revoked: CertificateAuthority.Identity = {
    let identity = authority.issue("revoked")
    authority.revoke(identity)
    return identity
  }()
  static let revocations: String = {
    _ = revoked
    return authority.revocations()
  }()
  static let now: WallTime = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Int64(time.tv_sec))
  }()

  static func file(_ path: String) -> TLSSettings.File {
    TLSSettings.File(path: path, bytes: CertificateAuthority.read(path))
  }

  static func identity(_ identity: CertificateAuthority.Identity) -> TLSSettings.Identity {
    TLSSettings.Identity(certificate: file(identity.certificate), key: file(identity.key))
  }

  static func settings(_ identities: CertificateAuthority.Identity...) -> TLSSettings {
    TLSSettings(identities: (identities.isEmpty ? [localhost] : identities).map(identity))
  }

  static func context(
    _ settings: TLSSettings = settings(), tickets: TicketKeys = TicketKeys(clock: SetClock(now))
  ) throws -> TLSContext {
    try TLSContext(settings, tickets: tickets, now: now)
  }
}

/// A client and a server's session with a wire between them that hands on at most `split` bytes at a time.
final class Exchange {
  let client: TLSClient
  let session: TLSSession
  let split: Int
  private(set) var serverFailure: TLSFailure?
  private(set) var isServerEstablished = false
  private(set) var isClientEstablished = false
  private(set) var serverEnded = false
  private(set) var serverContent: [UInt8] = []
  private(set) var clientContent: [UInt8] = []
  private(set) var clientFailure: String?
  private(set) var clientEnded = false
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []
  /// Changes what goes to the server.
  var disturb: (([UInt8]) -> [UInt8])?

  init(_ context: TLSContext, _ settings: TLSClient.Settings = TLSClient.Settings(), split: Int = .max) throws {
    client = TLSClient(settings)
    session = try TLSSession(context)
    self.split = split
  }

  /// Moves bytes until nothing moves any more.
  func run() {
    while true {
      clientStep()
      var sent = client.take()
      if let disturb { sent = disturb(sent) }
      toServer += sent
      if serverFailure != nil { toServer = [] }
      if !toServer.isEmpty {
        let piece = Array(toServer.prefix(split))
        toServer.removeFirst(piece.count)
        session.records.compact()
        session.records.receive(piece)
        serverStep()
      }
      toClient += session.records.output
      session.records.output = []
      let piece = Array(toClient.prefix(split))
      toClient.removeFirst(piece.count)
      client.receive(piece)
      if piece.isEmpty, toServer.isEmpty {
        clientStep()
        let last = client.take()
        if last.isEmpty { return }
        toServer += disturb?(last) ?? last
      }
    }
  }

  private func clientStep() {
    if !isClientEstablished { isClientEstablished = client.handshake() == true }
    if isClientEstablished {
      let read = client.read()
      clientContent += read.bytes
      clientEnded = clientEnded || read.isEnd
      clientFailure = clientFailure ?? read.failure
    }
  }

  private func serverStep() {
    do throws(TLSFailure) {
      if !isServerEstablished { isServerEstablished = try session.handshake() == .established }
      while isServerEstablished {
        switch try session.read(into: &serverContent, atMost: 10_000) {
        case .content: continue
        case .ended:
          serverEnded = true
          return
        case .needsInput, .established: return
        }
      }
    } catch {
      serverFailure = error
    }
  }
}
