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
  let world: World

  func look() async -> String? {
    let (path, files) = (path, world.files)
    do {
      let status = try await world.workers.run { () throws(FileError) in try files.status(path) }
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
    let (world, loop) = (group.world, group.loops[0])
    var checks: [HealthCheck] = []
    if let rhythm = settings.storage {
      checks.append(HealthCheck("storagedriver_\(storageName)", rhythm, StorageProbe(storage: storage)))
    }
    for check in settings.files {
      checks.append(HealthCheck(check.path, check.rhythm, FileProbe(path: check.path, world: world)))
    }
    for check in settings.http {
      let probe = NetworkProbe(
        check.uri, host: check.host, port: check.port, timeout: check.timeout,
        exchange: NetworkProbe.Exchange(request: request(check), status: check.status), on: loop,
        workers: world.workers)
      checks.append(HealthCheck(check.uri, check.rhythm, probe))
    }
    for check in settings.tcp {
      let probe = NetworkProbe(
        check.address, host: check.host, port: check.port, timeout: check.timeout, exchange: nil, on: loop,
        workers: world.workers)
      checks.append(HealthCheck(check.address, check.rhythm, probe))
    }
    return checks
  }

  private init(_ name: String, _ rhythm: HealthSettings.Rhythm, _ probe: any HealthProbe) {
    self.init(name: name, interval: rhythm.interval, threshold: rhythm.threshold, probe: probe)
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
