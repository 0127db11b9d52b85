// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `health` section: what is looked at to tell whether the registry is well.
public struct HealthSettings: Sendable, Equatable {
  /// How often a check is made, and after how many failures in a row it counts.
  public struct Rhythm: Sendable, Equatable {
    /// `interval`; at least a millisecond. Default 10 s.
    public var interval: Duration
    /// `threshold`: failures in a row before the check counts as failed; 0 and 1 are the same. Default 0.
    public var threshold: Int

    /// Makes a rhythm.
    public init(interval: Duration = .seconds(10), threshold: Int = 0) {
      self.interval = interval
      self.threshold = threshold
    }
  }

  /// One element of `health.file`: the file's being there is the failure.
  public struct FileCheck: Sendable, Equatable {
    /// `file`: its path.
    public var path: String
    /// How often it is looked for.
    public var rhythm: Rhythm

    /// Makes a check.
    public init(path: String, rhythm: Rhythm = Rhythm()) {
      self.path = path
      self.rhythm = rhythm
    }
  }

  /// One element of `health.http`: a HEAD request.
  public struct HTTPCheck: Sendable, Equatable {
    /// `uri`, as it was written.
    public var uri: String
    /// Whether the URI is of `https`.
    public var isSecure: Bool
    /// The host of the URI, without brackets.
    public var host: String
    /// The port of the URI.
    public var port: UInt16
    /// Path and query of the URI.
    public var target: String
    /// `headers`, in the order of the file.
    public var headers: [HTTPSettings.Header]
    /// `statuscode`: the status that is well. Default 200.
    public var status: Int
    /// `timeout`. Default 10 s.
    public var timeout: Duration
    /// How often it is sent.
    public var rhythm: Rhythm

    /// Makes a check.
    public init(
      uri: String, isSecure: Bool = false, host: String, port: UInt16, target: String,
      headers: [HTTPSettings.Header] = [], status: Int = 200, timeout: Duration = HealthSettings.timeoutDefault,
      rhythm: Rhythm = Rhythm()
    ) {
      self.uri = uri
      self.isSecure = isSecure
      self.host = host
      self.port = port
      self.target = target
      self.headers = headers
      self.status = status
      self.timeout = timeout
      self.rhythm = rhythm
    }
  }

  /// One element of `health.tcp`: a connection that is opened and closed.
  public struct TCPCheck: Sendable, Equatable {
    /// `addr`, as it was written.
    public var address: String
    /// The host of the address, without brackets.
    public var host: String
    /// The port of the address.
    public var port: UInt16
    /// `timeout`. Default 10 s.
    public var timeout: Duration
    /// How often it is opened.
    public var rhythm: Rhythm

    /// Makes a check.
    public init(
      address: String, host: String, port: UInt16, timeout: Duration = HealthSettings.timeoutDefault,
      rhythm: Rhythm = Rhythm()
    ) {
      self.address = address
      self.host = host
      self.port = port
      self.timeout = timeout
      self.rhythm = rhythm
    }
  }

  /// How long a check over the network waits when no timeout is set.
  public static let timeoutDefault = Duration.seconds(10)

  /// `health.storagedriver`, when it is enabled.
  public var storage: Rhythm?
  /// `health.file`.
  public var files: [FileCheck]
  /// `health.http`.
  public var http: [HTTPCheck]
  /// `health.tcp`.
  public var tcp: [TCPCheck]

  /// Makes the section; without arguments nothing is checked.
  public init(
    storage: Rhythm? = nil, files: [FileCheck] = [], http: [HTTPCheck] = [], tcp: [TCPCheck] = []
  ) {
    self.storage = storage
    self.files = files
    self.http = http
    self.tcp = tcp
  }
}
