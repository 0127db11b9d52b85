// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http` section.
public struct HTTPSettings: Sendable, Equatable {
  /// One field of `http.headers`, added to every routed response.
  public struct Header: Sendable, Equatable {
    /// The field name in canonical form (`X-Content-Type-Options`), a valid RFC 9110 token.
    public var name: String
    /// The values, each sent as its own field line; none holds a control character.
    public var values: [String]

    /// Makes a header; name and values are the caller's responsibility here, the loader checks them.
    public init(name: String, values: [String]) {
      self.name = name
      self.values = values
    }
  }

  /// `http.net` and `http.addr`: where we listen.
  public var address: ListenAddress
  /// `http.prefix`: the path before `v2/`; begins and ends with a slash. Default `/`.
  public var prefix: String
  /// `http.host`: the URL under which clients reach us; wins over every forwarded header. Default none.
  public var host: ExternalURL?
  /// `http.secret`: key of the `_state` signature. Default none: one is made once and kept with the storage.
  public var secret: String?
  /// `http.relativeurls`: Location and Link hold paths, not absolute URLs. Default false.
  public var usesRelativeURLs: Bool
  /// `http.draintimeout`: how long a stopping server lets requests finish. Default 30 s; zero waits for none.
  public var drainTimeout: Duration
  /// `http.headers` in the order of the file.
  public var headers: [Header]
  /// The opposite of `http.http2.disabled`: over TLS, HTTP/2 is offered. Default true.
  public var offersHTTP2: Bool
  /// `http.h2c.enabled`: without TLS, clients may begin in HTTP/2. Default false.
  public var speaksHTTP2InClear: Bool
  /// `http.limits`.
  public var limits: HTTPLimits
  /// `http.draindelay`: how long a stopping server serves on after readiness has fallen. Default: none.
  public var drainDelay = Duration.zero
  /// `http.clientlimits`.
  public var clientLimits = ClientLimitSettings()
  /// `http.loops`: how many event loops; nil means one per core.
  public var loops: Int?
  /// `http.workers`: threads of the work pool (disk work, hashing); nil means `maxthreads`, at most 32.
  public var workers: Int?
  /// `http.debug`.
  public var debug: DebugSettings
  /// `http.tls`; nil: in the clear.
  public var tls: TLSFileSettings?

  /// Makes the section; the defaults are those of the built-in configuration.
  public init(
    address: ListenAddress = .tcp(host: "127.0.0.1", port: 5000), prefix: String = "/", host: ExternalURL? = nil,
    secret: String? = nil, usesRelativeURLs: Bool = false, drainTimeout: Duration = .seconds(30),
    headers: [Header] = [], offersHTTP2: Bool = true, speaksHTTP2InClear: Bool = false,
    limits: HTTPLimits = HTTPLimits(), loops: Int? = nil, workers: Int? = nil, debug: DebugSettings = DebugSettings(),
    tls: TLSFileSettings? = nil
  ) {
    self.address = address
    self.prefix = prefix
    self.host = host
    self.secret = secret
    self.usesRelativeURLs = usesRelativeURLs
    self.drainTimeout = drainTimeout
    self.headers = headers
    self.offersHTTP2 = offersHTTP2
    self.speaksHTTP2InClear = speaksHTTP2InClear
    self.limits = limits
    self.loops = loops
    self.workers = workers
    self.debug = debug
    self.tls = tls
  }
}
