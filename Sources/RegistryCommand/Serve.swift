// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import Gantry

/// `registry serve [CONFIG]`.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Serve the registry until SIGTERM or SIGINT.")

  @Argument(help: "The configuration file.", completion: .file(extensions: ["yml", "yaml"]))
  var config: String?

  func run() throws {
    do throws(StartError) {
      try RegistryHost.serve(configurationPath: ConfigurationFile.path(argument: config))
    } catch {
      Console.complain(error.description)
      throw ExitCode.failure
    }
  }
}
