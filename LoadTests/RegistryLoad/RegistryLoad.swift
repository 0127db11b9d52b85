// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import GantryEventLoops
import GantryLoadTesting

/// `registry-load`.
@main
struct RegistryLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry-load",
    abstract: "Load tests for container registries: any registry, by URL.",
    discussion: """
      Runs scenarios (pulls, pushes, lists, whole images, storms of clients) against one or more registries, verifies \
      every downloaded byte, counts every error by its kind, and reports rates and latencies as a table, JSON or HTML. \
      Several targets are run by turns, round by round, and compared as ratios with their spread.

      A first look at a registry:

        registry-load run --target mine=http://localhost:5000 \\
          --scenario '{kind: manifest-get, clients: 64, duration: 10s}'

      Two registries against each other, judged by thresholds:

        registry-load run LoadTests/scenarios/quick.yml \\
          --target ours=http://localhost:5000 --target theirs=http://localhost:5001 \\
          --rounds 3 --thresholds LoadTests/thresholds/quick.yml --html report.html

      The fastest loop over one URL of any HTTP server, as a check of the tool itself:

        registry-load get http://localhost:8080/file -c 64 -d 10s

      Only the addresses on the command line and in the scenario files are ever contacted: a registry that sends us \
      elsewhere (a Location, a token service) gets an error, unless the token service is allowed by --token-service.

      EXIT STATUS
        0  everything was measured, and every threshold was met
        1  a threshold was not met
        2  bad input, or a target that could not be measured; what was measured is reported all the same
      """,
    subcommands: [Run.self, Get.self, Kinds.self, WriteStatic.self, WriteStorage.self, PlotCommand.self])

  static func main() {
    SystemProcess.prepareToServe()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as InputError {
      Console.complain("registry-load: \(error)")
      exit(withError: ExitCode(2))
    } catch {
      // A mistake on the command line is bad input too; what was asked for, such as help, is not.
      if exitCode(for: error) == .validationFailure {
        Console.complain(fullMessage(for: error))
        exit(withError: ExitCode(2))
      }
      exit(withError: error)
    }
  }
}

/// What the command says to a person.
enum Console {
  /// Prints a line to standard error.
  static func complain(_ text: String) {
    SystemProcess.write(Array((text.hasSuffix("\n") ? text : text + "\n").utf8), to: .errors)
  }

  /// Prints to standard output.
  static func say(_ text: String) {
    SystemProcess.write(Array(text.utf8), to: .output)
  }
}
