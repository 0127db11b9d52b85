// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// What came of loading a text: the settings if it was accepted, and every diagnostic either way.
struct Outcome {
  var settings: Settings?
  var diagnostics: [Diagnostic]

  var lines: [String] { diagnostics.map(\.description) }
  var errors: [String] { diagnostics.filter { $0.severity == .error }.map(\.description) }
  var warnings: [String] { diagnostics.filter { $0.severity == .warning }.map(\.description) }
}

/// Loads a text under the name `c.yml`.
func load(_ text: String, environment: [String: String] = [:]) -> Outcome {
  do {
    let loaded = try ConfigurationLoader.load(text: Array(text.utf8), file: "c.yml", environment: environment)
    return Outcome(settings: loaded.settings, diagnostics: loaded.diagnostics)
  } catch {
    return Outcome(settings: nil, diagnostics: error.diagnostics)
  }
}

/// The shortest configuration without a warning; its last section is `http`, so that tests can go on in it.
let base = """
  version: 0.1
  storage:
    inmemory: {}
  http:
    addr: localhost:5000

  """
