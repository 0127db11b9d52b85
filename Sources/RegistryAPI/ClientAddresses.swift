// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryPatterns
import GantryWorld
import Logging

/// Tells clients apart, also those that come through a proxy.
///
/// A proxy that is trusted is believed what it added to `X-Forwarded-For`: from the end of the list, the first address
/// that is no trusted proxy is the client's. What a client wrote there itself stands before that, and is not looked at.
/// `Forwarded` and `X-Real-IP` are not looked at either: a proxy that sets one of them passes the others on as the
/// client wrote them.
struct ClientAddresses: Sendable {
  let trustedProxies: AddressSet
  let notices: ProxyNotices
  let logger: Logger

  /// Elements that are looked at; no chain of proxies is as long.
  private static let elementsMax = 32

  /// The address of whoever sent the request; nil behind a unix-domain socket without a proxy's word.
  func address(of request: borrowing Request) -> NetworkAddress? {
    let peer = NetworkAddress(request.peer.host)
    guard trustedProxies.contains(peer) else {
      if request.head.field("x-forwarded-for") != nil { notices.forwarded(by: request.peer, logger) }
      return peer
    }
    return Self.client(of: request.head.fieldTexts("x-forwarded-for"), behind: peer, trusting: trustedProxies)
  }

  static func client(
    of fields: [String], behind peer: NetworkAddress?, trusting proxies: AddressSet
  ) -> NetworkAddress? {
    var client = peer
    var looked = 0
    for field in fields.reversed() {
      for element in field.split(separator: ",").reversed() {
        looked += 1
        // What is no address was written by somebody who is not to be believed.
        guard looked <= elementsMax, let address = address(in: element) else { return client }
        client = address
        if !proxies.contains(address) { return client }
      }
    }
    return client
  }

  /// `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7` or `[2001:db8::7]:1234`.
  private static func address(in element: Substring) -> NetworkAddress? {
    var text = element.drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    if text.first == "[" {
      return text.firstIndex(of: "]").flatMap { NetworkAddress(text[text.index(after: text.startIndex)..<$0]) }
    }
    if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1, let colon = text.firstIndex(of: ":") {
      return NetworkAddress(text[..<colon])
    }
    return NetworkAddress(text)
  }
}
