// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryTLS
internal import GantryWorld

/// The files of `http.tls`, and what is made of them.
struct TLSFiles: Sendable {
  /// Why nothing can be made of them, for a person.
  struct Fault: Error {
    let explanation: String
  }

  private let settings: TLSFileSettings
  private let protocols: [String]

  /// What one file may have: a list of revocations may be long, everything else is short.
  private static let bytesMax = 32 << 20

  init(_ settings: TLSFileSettings, protocols: [String]) {
    self.settings = settings
    self.protocols = protocols
  }

  /// How each file stands now; nil for one that cannot be seen. On the loop: what the kernel knows already.
  func statuses(_ files: any Files) -> [FileStatus?] {
    paths.map { path in
      // Whatever hides a file is told when it is read.
      try? files.status(path)
    }
  }

  /// The same of those that say which clients are trusted.
  func clientStatuses(_ files: any Files) -> [FileStatus?] {
    (settings.clientAuthorities + settings.clientRevocations).map { path in
      // As above.
      try? files.status(path)
    }
  }

  /// Reads all files and makes a context of them. Blocks.
  func context(_ files: any Files, tickets: TicketKeys, now: WallTime) throws(Fault) -> TLSContext {
    var tls = TLSSettings(identities: [], minimumVersion: settings.minimumVersion == .tls13 ? .tls13 : .tls12)
    for identity in [settings.identity] + settings.otherIdentities {
      tls.identities.append(
        TLSSettings.Identity(
          certificate: try Self.read(identity.certificate, files), key: try Self.read(identity.key, files)))
    }
    for path in settings.clientAuthorities { tls.clientAuthorities.append(try Self.read(path, files)) }
    for path in settings.clientRevocations { tls.clientRevocations.append(try Self.read(path, files)) }
    tls.clientAuthentication =
      switch settings.clientAuthentication {
      case nil: .none
      case .request: .request
      case .requireAny: .require
      case .verifyIfGiven: .verifyIfGiven
      case .requireAndVerify: .requireAndVerify
      }
    tls.cipherSuites = settings.cipherSuites
    tls.applicationProtocols = protocols
    do { return try TLSContext(tls, tickets: tickets, now: now) } catch {
      throw Fault(explanation: error.description)
    }
  }

  private var paths: [String] {
    ([settings.identity] + settings.otherIdentities).flatMap { [$0.certificate, $0.key] } + settings.clientAuthorities
      + settings.clientRevocations
  }

  private static func read(_ path: String, _ files: any Files) throws(Fault) -> TLSSettings.File {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try files.open(path, .read).read(bytesMax + 1, at: 0)
    } catch {
      let advice = error.reason == .notPermitted ? "; the user that the registry runs as must be able to read it" : ""
      throw Fault(explanation: error.explanation + advice)
    }
    guard bytes.count <= bytesMax else { throw Fault(explanation: "\(path) has more than \(bytesMax) bytes") }
    return TLSSettings.File(path: path, bytes: bytes)
  }
}
