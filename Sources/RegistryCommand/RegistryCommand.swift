// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import Gantry

/// `registry`: serves a container registry, and checks configurations.
@main
struct RegistryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry",
    abstract: "A container registry: stores and distributes images and artifacts.",
    discussion: """
      Without a subcommand, a path alone is served, as the oldest registries did. The configuration is found on the \
      command line, else in REGISTRY_CONFIGURATION_PATH, else a built-in default serves this machine only. REGISTRY_* \
      variables override single keys.
      """,
    subcommands: [Serve.self, Check.self])

  @Flag(
    name: [.customShort("v"), .long, .customLong("version", withSingleDash: true)], help: "Print the version and exit.")
  var version = false

  func run() throws {
    guard version else { throw CleanExit.helpRequest(self) }
    print(GantryVersion.line(program: CommandLine.arguments.first ?? "registry"))
  }

  /// Reads the command line in every form that Distribution's generations had.
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let command = arguments.first, CommandLineForms.missing.contains(command) {
      Console.complain("registry \(command) is not served yet; Distribution's own can be run on the same directory")
      exit(withError: ExitCode.failure)
    }
    main(CommandLineForms.normalised(arguments))
  }
}
