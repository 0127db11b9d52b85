// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// The names in a certificate.
enum CertificateNames {
  /// What is taken of one certificate.
  private static let namesMax = 64
  private static let nameBytesMax = 256

  /// The common name of the subject, then the alternative names that are texts, each once. A name that holds a NUL or
  /// another control character is none: it would read as another in a log.
  static func all(of certificate: OpaquePointer) -> [String] {
    var names: [String] = []
    func add(_ name: String) {
      if names.count < namesMax, !names.contains(name) { names.append(name) }
    }
    if let common = unsafe commonName(of: certificate) { add(common) }
    for (_, name) in unsafe alternatives(of: certificate) { add(name) }
    return names
  }

  /// The hosts that a certificate is for, in lower case; with a leading `*.` for any one label.
  static func hosts(of certificate: OpenSSLValue) -> [String] {
    unsafe alternatives(of: certificate.pointer).compactMap { $0.kind == GEN_DNS ? $0.name.lowercased() : nil }
  }

  /// Whether it names an address or anything else that clients compare with.
  static func hasAlternatives(_ certificate: OpenSSLValue) -> Bool {
    guard let names = unsafe gantry_tls_names(certificate.pointer) else { return false }
    defer { unsafe gantry_tls_names_free(names) }
    return unsafe gantry_tls_names_count(names) > 0
  }

  private static func alternatives(of certificate: OpaquePointer) -> [(kind: GENERAL_NAME.Kind, name: String)] {
    guard let names = unsafe gantry_tls_names(certificate) else { return [] }
    defer { unsafe gantry_tls_names_free(names) }
    var found: [(GENERAL_NAME.Kind, String)] = []
    for index in 0..<(unsafe min(gantry_tls_names_count(names), Int32(namesMax))) {
      var bytes: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let kind = unsafe gantry_tls_alternative_name(names, index, &bytes, &count)
      if let bytes = unsafe bytes, let name = unsafe text(bytes, Int(count)) { found.append((kind, name)) }
    }
    return found
  }

  private static func commonName(of certificate: OpaquePointer) -> String? {
    guard let subject = unsafe X509_get_subject_name(certificate) else { return nil }
    // The last is the most specific.
    var last: Int32 = -1
    while true {
      let next = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, last)
      if next < 0 { break }
      last = next
    }
    guard last >= 0, let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)) else { return nil }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = unsafe ASN1_STRING_to_UTF8(&bytes, value)
    guard count > 0, let bytes = unsafe bytes else { return nil }
    defer { unsafe CRYPTO_free(bytes, "", 0) }
    return unsafe text(bytes, Int(count))
  }

  private static func text(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String? {
    guard count > 0, count <= nameBytesMax else { return nil }
    let buffer = unsafe UnsafeBufferPointer(start: bytes, count: count)
    guard unsafe buffer.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return unsafe String(validating: buffer, as: UTF8.self)
  }
}

extension GENERAL_NAME {
  /// GEN_DNS and its like.
  typealias Kind = Int32
}
