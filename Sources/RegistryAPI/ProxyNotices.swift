// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Logging
import Synchronization

/// Tells an operator, a few times and not with each request, of proxies that seem not to be set up.
///
/// Isolation: shared by all loops.
public final class ProxyNotices: Sendable {
  /// Hosts that are told of: whoever invents the field must not fill the log.
  private static let hostsMax = 4

  private let strangers = Mutex<Set<String>>([])
  private let isInsecureTold = Atomic(false)

  /// None was told yet.
  public init() {}

  /// Somebody who is no trusted proxy speaks of clients behind it.
  func forwarded(by peer: PeerAddress, _ logger: Logger) {
    let host = peer.host.isEmpty ? "unix" : peer.host
    let isNew = strangers.withLock { $0.count < Self.hostsMax && $0.insert(host).inserted }
    guard isNew else { return }
    logger.warning(
      """
      requests with X-Forwarded-For come from \(host), which is not in http.clientlimits.trustedproxies: if it is a \
      proxy, all its clients count as one, for limits and for failed logins
      """)
  }

  /// A client that is on another machine is sent to a URL in the clear with its password.
  func insecureRealm(_ realm: String, _ peer: PeerAddress, _ logger: Logger) {
    guard !isInsecureTold.exchange(true, ordering: .relaxed) else { return }
    logger.warning(
      """
      \(peer.description) is asked to bring its password to \(realm), which is not encrypted: behind a proxy that ends \
      TLS, have it set X-Forwarded-Proto, or set http.host
      """)
  }
}
