// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import Gantry
import GantryConfiguration

/// `registry check [CONFIG]`, and `registry check [CONFIG] --user NAME --certificate NAME --repository NAME`.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration; print what is wrong, or the effective settings.",
    discussion:
      """
      Prints each problem with file, line and column and exits with 1, or prints the settings with secrets masked. \
      With --repository, tells instead what a user, or without --user somebody who has not logged in, may do there, \
      and which rule of the configuration says so; with --certificate on a connection that shows one with this name.
      """)

  @Argument(help: "The configuration file.", completion: .file(extensions: ["yml", "yaml"]))
  var config: String?

  @Option(help: "Explain what this user may do in --repository.")
  var user: String?

  @Option(help: "Explain what may be done with a client certificate of this name; again for each of its names.")
  var certificate: [String] = []

  @Option(help: "Explain what may be done in this repository.")
  var repository: String?

  func validate() throws {
    guard repository == nil else { return }
    if user != nil { throw ValidationError("--user needs --repository: what a user may do where") }
    if !certificate.isEmpty {
      throw ValidationError("--certificate needs --repository: what may be done with a certificate where")
    }
  }

  func run() throws {
    do throws(StartError) {
      let path = ConfigurationFile.path(argument: config)
      if path == nil { Console.complain("no configuration was named; this is the built-in default") }
      let loaded = try ConfigurationFile.load(path)
      if !loaded.diagnostics.isEmpty { Console.complain(SettingsReport.problems(loaded.diagnostics)) }
      if let repository {
        print(
          try AccessReport.text(loaded.settings, user: user, certificates: certificate, repository: repository),
          terminator: "")
      } else {
        print(SettingsReport.yaml(loaded.settings), terminator: "")
      }
    } catch {
      if case .configuration(let diagnostics) = error {
        Console.complain(SettingsReport.problems(diagnostics))
      } else {
        Console.complain(error.description)
      }
      throw ExitCode.failure
    }
  }
}
