// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

// Every function that OpenSSL calls: finds its owner, hands on, nothing else. None keeps a pointer.

/// The transport of sessions: memory. Never changed after it is made.
enum MemoryTransport {
  // Immutable: OpenSSL only reads a method once a transport was made of it.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gantry memory") else {
      return nil
    }
    let isMade =
      unsafe BIO_meth_set_read(method, onTransportRead) == 1 && BIO_meth_set_write(method, onTransportWrite) == 1
      && BIO_meth_set_ctrl(method, onTransportControl) == 1
    return isMade ? unsafe method : nil
  }()
}

/// The records of a transport. Unretained: the session owns both, and frees the transport first.
private func records(_ transport: OpaquePointer?) -> TLSRecords? {
  guard let data = unsafe BIO_get_data(transport) else { return nil }
  return unsafe Unmanaged<TLSRecords>.fromOpaque(data).takeUnretainedValue()
}

/// The session of an SSL. Unretained: the session owns it.
private func session(_ ssl: OpaquePointer?) -> TLSSession? {
  guard let data = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
  return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
}

func onTransportRead(_ transport: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
  guard let records = unsafe records(transport), let target = unsafe target, count > 0 else { return 0 }
  unsafe gantry_tls_has_input(transport)
  let taken = unsafe records.take(UnsafeMutableRawPointer(target), atMost: Int(count))
  if taken > 0 { return Int32(taken) }
  unsafe gantry_tls_wait_for_input(transport)
  return -1
}

func onTransportWrite(_ transport: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
  guard let records = unsafe records(transport), let bytes = unsafe bytes, count > 0 else { return 0 }
  unsafe records.put(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
  return count
}

func onTransportControl(
  _ transport: OpaquePointer?, _ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
  command == BIO_CTRL_FLUSH ? 1 : 0
}

/// The client named the host it wants.
func onServerName(
  _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  guard let session = unsafe session(ssl) else { return SSL_TLSEXT_ERR_NOACK }
  return session.chooseIdentity() ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
}

/// The client named what it wants to speak inside: entries of a length and so many bytes. The answer points into them.
func onApplicationProtocols(
  _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ count: UInt32,
  _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  guard let session = unsafe session(ssl), let offered = unsafe offered, let chosen = unsafe chosen,
    let chosenCount = unsafe chosenCount
  else { return SSL_TLSEXT_ERR_NOACK }
  let list = unsafe Array(UnsafeBufferPointer(start: offered, count: Int(count)))
  switch session.context.choice(of: list) {
  case .unanswered: return SSL_TLSEXT_ERR_NOACK
  case .noneInCommon: return SSL_TLSEXT_ERR_ALERT_FATAL
  case .entry(let range):
    unsafe chosen.pointee = offered + range.lowerBound
    unsafe chosenCount.pointee = UInt8(range.count)
    return SSL_TLSEXT_ERR_OK
  }
}

/// Looks at each certificate of a client's chain, from the authority down. 1 goes on.
func onClientCertificate(_ isRight: Int32, _ verification: OpaquePointer?) -> Int32 {
  let ssl = unsafe OpaquePointer(
    X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()))
  guard let session = unsafe session(ssl) else { return 0 }
  guard session.context.verifiesClients else { return 1 }
  if isRight == 1 { return 1 }
  // The list of the client's own authority is a must; of those above it, it counts where there is one.
  if unsafe X509_STORE_CTX_get_error(verification) == X509_V_ERR_UNABLE_TO_GET_CRL,
    unsafe X509_STORE_CTX_get_error_depth(verification) > 0
  {
    unsafe X509_STORE_CTX_set_error(verification, X509_V_OK)
    return 1
  }
  unsafe session.refuse(X509_STORE_CTX_get_current_cert(verification))
  return 0
}

/// Chooses the key to seal a ticket, or to open one with: 1 goes on, 2 also renews the ticket, 0 has none.
func onTicket(
  _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ start: UnsafeMutablePointer<UInt8>?,
  _ cipher: OpaquePointer?, _ authentication: OpaquePointer?, _ isSealing: Int32
) -> Int32 {
  guard let session = unsafe session(ssl), let name = unsafe name, let start = unsafe start else { return -1 }
  if isSealing == 1 {
    guard let key = session.context.tickets.sealing(), unsafe RAND_bytes(start, 16) == 1 else { return -1 }
    unsafe name.update(from: key.name, count: TicketKeys.nameBytes)
    guard unsafe EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, start) == 1 else { return -1 }
    return unsafe begin(authentication, key) ? 1 : -1
  }
  let wanted = unsafe Array(UnsafeBufferPointer(start: name, count: TicketKeys.nameBytes))
  guard let (key, isOld) = session.context.tickets.opening(wanted) else { return 0 }
  guard unsafe EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, start) == 1,
    unsafe begin(authentication, key)
  else { return -1 }
  return isOld ? 2 : 1
}

private func begin(_ authentication: OpaquePointer?, _ key: TicketKeys.Key) -> Bool {
  var bytes = key.authentication
  return unsafe gantry_tls_begin_mac(authentication, &bytes, bytes.count) == 1
}

/// Says that a private key needs a passphrase, instead of asking for it at a terminal.
func onPassphrase(
  _ target: UnsafeMutablePointer<CChar>?, _ count: Int32, _ isWriting: Int32, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  if let argument = unsafe argument { unsafe argument.assumingMemoryBound(to: Bool.self).pointee = true }
  return -1
}
