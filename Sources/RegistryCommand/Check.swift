// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import Gantry
import GantryConfiguration

/// `registry check [CONFIG]`.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration; print what is wrong, or the effective settings.",
    discussion:
      "Prints each problem with file, line and column and exits with 1, or prints the settings with secrets masked.")

  @Argument(help: "The configuration file.", completion: .file(extensions: ["yml", "yaml"]))
  var config: String?

  func run() throws {
    do throws(StartError) {
      let path = ConfigurationFile.path(argument: config)
      if path == nil { Console.complain("no configuration was named; this is the built-in default") }
      let loaded = try ConfigurationFile.load(path)
      if !loaded.diagnostics.isEmpty { Console.complain(SettingsReport.problems(loaded.diagnostics)) }
      print(SettingsReport.yaml(loaded.settings), terminator: "")
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
