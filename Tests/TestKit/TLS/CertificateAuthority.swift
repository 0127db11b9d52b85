// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Synchronization

/// An authority for tests, made by the openssl command in a directory of its own: nothing it signs outlives the test
/// that needs it.
public final class CertificateAuthority: Sendable {
  /// A certificate and its key, by their paths.
  public struct Identity: Sendable, Hashable {
    /// The certificate in PEM.
    public var certificate: String
    /// The private key in PEM.
    public var key: String

    /// Names the files of a certificate.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// When a certificate holds.
  public enum Validity: String, Sendable {
    /// Now, and for a month.
    case current
    /// It ended years ago.
    case expired
    /// It begins in years.
    case future
    /// It ends within a week.
    case ending
  }

  /// Where its files are.
  public let directory: String
  /// Its own certificate.
  public var certificate: String { "\(directory)/ca.pem" }
  private let turn = Mutex(0)

  /// Makes an authority in a new directory below `parent`.
  public init(in parent: String = "/tmp", name: String = "Test Authority") {
    let made = "\(parent)/gantry-ca-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    directory = made
    precondition(mkdir(made, 0o700) == 0, "mkdir \(made): \(errno)")
    Self.write(
      """
      [ca]
      default_ca = it
      [it]
      database = \(made)/index
      serial = \(made)/serial
      new_certs_dir = \(made)
      certificate = \(made)/ca.pem
      private_key = \(made)/ca.key
      default_md = sha256
      policy = names
      unique_subject = no
      default_crl_days = 30
      [names]
      commonName = optional
      organizationName = optional
      [root]
      basicConstraints = critical,CA:true
      keyUsage = critical,keyCertSign,cRLSign
      subjectKeyIdentifier = hash
      [req]
      distinguished_name = dn
      [dn]
      """, to: "\(made)/config")
    Self.write("", to: "\(made)/index")
    Self.write("1000\n", to: "\(made)/serial")
    run(
      "req -x509 -config \(made)/config -extensions root \(Self.newKey) -keyout \(made)/ca.key -out \(made)/ca.pem "
        + "-days 30 -subj '/CN=\(name)'")
  }

  deinit { _ = system("rm -rf '\(directory)'") }

  private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

  /// Signs a certificate with this common name, or none where it is empty, and these alternative names (`DNS:host`,
  /// `IP:…`, `email:…`).
  public func issue(
    _ name: String, _ alternatives: [String] = [], _ validity: Validity = .current
  ) -> Identity {
    turn.withLock { turn in
      turn += 1
      let base = "\(directory)/\(turn)"
      let dates =
        switch validity {
        // Begun long ago: a test that comes late has an earlier clock than the certificate.
        case .current: "-startdate 20250101000000Z -days 30"
        case .expired: "-startdate 20200101000000Z -enddate 20200201000000Z"
        case .future: "-startdate 20400101000000Z -enddate 20410101000000Z"
        case .ending: "-startdate 20250101000000Z -days 7"
        }
      Self.write(
        alternatives.isEmpty ? "" : "subjectAltName=\(alternatives.joined(separator: ","))\n", to: "\(base).ext")
      let subject = name.isEmpty ? "/O=nameless" : "/CN=\(name)"
      run("req -config \(directory)/config \(Self.newKey) -keyout \(base).key -out \(base).csr -subj '\(subject)'")
      run(
        "ca -batch -notext -config \(directory)/config -extfile \(base).ext \(dates) -in \(base).csr -out \(base).pem")
      return Identity(certificate: "\(base).pem", key: "\(base).key")
    }
  }

  /// A certificate that nobody signed but itself.
  public func selfSigned(_ name: String) -> Identity {
    turn.withLock { turn in
      turn += 1
      let base = "\(directory)/\(turn)"
      run(
        "req -x509 -config \(directory)/config \(Self.newKey) -keyout \(base).key -out \(base).pem -days 30 "
          + "-subj '/CN=\(name)'")
      return Identity(certificate: "\(base).pem", key: "\(base).key")
    }
  }

  /// Takes a certificate back.
  public func revoke(_ identity: Identity) {
    turn.withLock { _ in run("ca -config \(directory)/config -revoke \(identity.certificate)") }
  }

  /// Writes the list of what was taken back, and returns its path.
  public func revocations() -> String {
    turn.withLock { turn in
      turn += 1
      run("ca -config \(directory)/config -gencrl -out \(directory)/\(turn).crl")
      return "\(directory)/\(turn).crl"
    }
  }

  /// Runs openssl with arguments as a shell reads them.
  public func run(_ arguments: String) {
    let log = "\(directory)/log"
    let status = system("openssl \(arguments) >>'\(log)' 2>&1 </dev/null")
    precondition(status == 0, "openssl \(arguments): \(String(decoding: Self.read(log), as: UTF8.self).suffix(2000))")
  }

  /// The bytes of a file.
  public static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { preconditionFailure("\(path): \(errno)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  /// Replaces a file.
  public static func write(_ text: String, to path: String) {
    guard let file = fopen(path, "w") else { preconditionFailure("\(path): \(errno)") }
    let bytes = Array(text.utf8)
    precondition(fwrite(bytes, 1, bytes.count, file) == bytes.count && fclose(file) == 0, "\(path): \(errno)")
  }
}
