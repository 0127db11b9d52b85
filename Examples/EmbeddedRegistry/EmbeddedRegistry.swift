// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry

/// A registry inside a program of one's own: in memory, on a port that is free, until Ctrl-C.
@main
struct EmbeddedRegistry {
  static func main() throws {
    var settings = Settings()
    settings.storage.engine = .inMemory
    settings.http.address = .tcp(host: "127.0.0.1", port: 0)
    settings.log.isAccessLogDisabled = true

    let registry = try RegistryHost(settings)
    print("docker push \(registry.address)/my/image")
    try registry.runUntilSignalled()
  }
}
