// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryMonitoring
internal import GantryStorage
internal import GantryWorld

/// Whether the storage answers.
struct StorageProbe: HealthProbe {
  let storage: any StorageEngine

  func look() async -> String? {
    do {
      try await storage.check()
      return nil
    } catch {
      return error.explanation
    }
  }
}

/// Whether a file that takes the registry out of service is not there.
struct FileProbe: HealthProbe {
  let path: String
  let group: LoopGroup

  func look() async -> String? {
    let (path, files) = (path, group.world.files)
    do {
      let status = try await group.errands.run { () throws(FileError) in try files.status(path) }
      return status == nil ? nil : "file exists"
    } catch {
      return error.explanation
    }
  }
}

extension HealthCheck {
  /// The checks that are configured, under Distribution's names for them.
  static func all(
    _ settings: HealthSettings, storage: any StorageEngine, storageName: String, group: LoopGroup
  ) -> [HealthCheck] {
    let loop = group.loops[0]
    var checks: [HealthCheck] = []
    if let rhythm = settings.storage {
      checks.append(HealthCheck("storagedriver_\(storageName)", rhythm, StorageProbe(storage: storage)))
    }
    for check in settings.files {
      var switched = HealthCheck(check.path, check.rhythm, FileProbe(path: check.path, group: group))
      switched.isSilenceFailure = false
      checks.append(switched)
    }
    for check in settings.http {
      let probe = NetworkProbe(
        check.uri, host: check.host, port: check.port, timeout: check.timeout,
        exchange: NetworkProbe.Exchange(request: request(check), status: check.status, isSecure: check.isSecure),
        on: loop, errands: group.errands)
      checks.append(HealthCheck(check.uri, check.rhythm, probe, timeout: check.timeout))
    }
    for check in settings.tcp {
      let probe = NetworkProbe(
        check.address, host: check.host, port: check.port, timeout: check.timeout, exchange: nil, on: loop,
        errands: group.errands)
      checks.append(HealthCheck(check.address, check.rhythm, probe, timeout: check.timeout))
    }
    return checks
  }

  /// A probe with a timeout of its own, which names are resolved outside of, is given a second more than that.
  private init(
    _ name: String, _ rhythm: HealthSettings.Rhythm, _ probe: any HealthProbe, timeout: Duration? = nil
  ) {
    self.init(
      name: name, interval: rhythm.interval, threshold: rhythm.threshold, patience: timeout.map { $0 + .seconds(1) },
      probe: probe)
  }

  /// How many looks may be under way at once.
  static func countMax(_ settings: HealthSettings) -> Int {
    settings.files.count + settings.http.count + settings.tcp.count
  }

  private static func request(_ check: HealthSettings.HTTPCheck) -> [UInt8] {
    let host = check.host.contains(":") ? "[\(check.host)]" : check.host
    var text = "HEAD \(check.target) HTTP/1.1\r\n"
    if !check.headers.contains(where: { $0.name == "Host" }) { text += "Host: \(host):\(check.port)\r\n" }
    text += "User-Agent: gantry/\(GantryVersion.text)\r\nConnection: close\r\n"
    for header in check.headers {
      for value in header.values { text += "\(header.name): \(value)\r\n" }
    }
    return Array("\(text)\r\n".utf8)
  }
}
