// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http.clientlimits` section: what one client may take of the whole.
public struct ClientLimitSettings: Sendable, Equatable {
  /// What an address or a user may take.
  public struct Allowance: Sendable, Equatable {
    /// `rate`: requests per second in the long run; 0 sets no limit.
    public var rate: Int
    /// `burst`: requests at once after a rest; 0 means ten seconds' worth.
    public var burst: Int
    /// `concurrent`: requests under way at once; 0 sets no limit.
    public var concurrentMax: Int

    /// Makes an allowance; without arguments one without limits.
    public init(rate: Int = 0, burst: Int = 0, concurrentMax: Int = 0) {
      self.rate = rate
      self.burst = burst
      self.concurrentMax = concurrentMax
    }
  }

  /// `address`: for each address.
  public var address: Allowance
  /// `user`: for each user who has logged in.
  public var user: Allowance
  /// `address.connections`: connections that one address may have open; 0 sets no limit.
  public var connectionsMax: Int
  /// `failedlogins`: wrong passwords that one address may try in a minute; 0 sets no limit.
  public var failedLoginsPerMinute: Int
  /// `exempt`: addresses that the limits are not for, as they are written.
  public var exempt: [String]
  /// `trustedproxies`: whose `X-Forwarded-For` is believed, as they are written.
  public var trustedProxies: [String]

  /// What is believed unless the file says otherwise: a proxy on the same machine. With `http.tls` nobody is: who
  /// reaches a listener of TLS from this machine is a tunnel or proxy of bytes as a rule, which passes on what its
  /// client wrote.
  public static let localProxies = ["127.0.0.0/8", "::1", "unix"]

  /// Makes the section; patterns are the caller's responsibility here, the loader checks them.
  public init(
    address: Allowance = Allowance(), user: Allowance = Allowance(), connectionsMax: Int = 1024,
    failedLoginsPerMinute: Int = 30,
    exempt: [String] = [], trustedProxies: [String] = localProxies
  ) {
    self.address = address
    self.user = user
    self.connectionsMax = connectionsMax
    self.failedLoginsPerMinute = failedLoginsPerMinute
    self.exempt = exempt
    self.trustedProxies = trustedProxies
  }
}
