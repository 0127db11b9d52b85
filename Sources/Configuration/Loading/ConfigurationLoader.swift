// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Reads a configuration: YAML, then the environment's overrides, then every check.
///
/// Pure: reads no file and no environment of its own. All faults are collected before it throws, not only the first;
/// a text that is not YAML at all has one.
public enum ConfigurationLoader {
  /// The name of the built-in default in diagnostics.
  public static let builtInName = "built-in default"

  /// The configuration used when no file is named: this machine only, data under the working directory, deletion
  /// enabled. Loading it gives `Settings()`.
  public static let builtInText = """
    version: 0.1
    storage:
      filesystem:
        rootdirectory: ./data
      delete:
        enabled: true
      cache:
        blobdescriptor: inmemory
    http:
      addr: 127.0.0.1:5000
    """

  /// Loads a configuration.
  /// - Parameters:
  ///   - text: the bytes of the file, at most 1 MiB.
  ///   - file: how the file is called in diagnostics.
  ///   - environment: the process's environment; only names beginning with `REGISTRY_` are looked at.
  /// - Returns: the settings, with every warning.
  /// - Throws: `invalid` with every error and warning.
  public static func load(
    text: [UInt8], file: String, environment: [String: String]
  ) throws(ConfigurationError) -> LoadedConfiguration {
    var log = DiagnosticLog(file: file)
    guard let root = document(text, file: file, log: &log) else { throw .invalid(log.ordered) }
    checkVersion(root, &log)
    var overrides = EnvironmentOverrides(log: log)
    let tree = overrides.apply(environment, to: root)
    var checker = KeyChecker(log: overrides.log)
    checker.check(tree)
    var reader = SettingsReader(tree: tree, log: checker.log)
    let settings = reader.settings()
    guard !reader.log.hasErrors else { throw .invalid(reader.log.ordered) }
    return LoadedConfiguration(settings: settings, diagnostics: reader.log.ordered)
  }

  /// Loads the built-in default with the environment's overrides.
  public static func loadBuiltIn(environment: [String: String]) throws(ConfigurationError) -> LoadedConfiguration {
    try load(text: Array(builtInText.utf8), file: builtInName, environment: environment)
  }

  private static func document(_ text: [UInt8], file: String, log: inout DiagnosticLog) -> YAMLNode? {
    do {
      let document = try YAMLDocument(text, origin: file)
      if let mark = document.nextDocument {
        log.add(.warning, at: mark, "", "a second YAML document begins here; it is not read")
      }
      guard let root = document.root, !root.isNull else {
        log.add(.error, at: nil, "version", "the file is empty; a configuration begins with \"version: 0.1\"")
        return nil
      }
      guard root.mapping != nil else {
        log.add(.error, at: root.mark, "", "expected keys and values, such as \"version: 0.1\"")
        return nil
      }
      return root
    } catch {
      log.add(.error, at: error.mark, "", error.message)
      return nil
    }
  }

  /// The version is the file's: as in Distribution, no environment variable changes it.
  private static func checkVersion(_ root: YAMLNode, _ log: inout DiagnosticLog) {
    let version = root["version"]
    let text = version?.scalar?.text ?? ""
    guard text != "0.1" else { return }
    log.add(.error, at: version?.mark, "version", "unsupported version: \"\(text)\"; expected 0.1")
  }
}
