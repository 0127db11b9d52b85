// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryConfiguration
internal import GantryEventLoops
internal import GantryWorld

/// Finds, reads and loads a configuration, as Distribution's command does.
public enum ConfigurationFile {
  /// A configuration file larger than this is none.
  private static let bytesMax = 1 << 20

  /// Where the configuration comes from: the command line's path, else that of the environment, else the built-in
  /// default (nil).
  public static func path(argument: String?) -> String? {
    switch ConfigurationSource(argument: argument, environment: environment) {
    case .file(let path): path
    case .builtIn: nil
    }
  }

  /// Loads the file at `path`, or the built-in default, with the environment's overrides. Blocks.
  public static func load(_ path: String?) throws(StartError) -> LoadedConfiguration {
    let text: [UInt8]? = if let path { try read(path) } else { nil }
    do {
      guard let path, let text else { return try ConfigurationLoader.loadBuiltIn(environment: environment) }
      return try ConfigurationLoader.load(text: text, file: path, environment: environment)
    } catch {
      throw .configuration(error.diagnostics)
    }
  }

  private static func read(_ path: String) throws(StartError) -> [UInt8] {
    let bytes: [UInt8]
    do {
      bytes = try LoopGroup.files.open(path, .read).read(bytesMax + 1, at: 0)
    } catch {
      throw .unreadableFile(path: path, reason: LoopError.text(error.code))
    }
    guard bytes.count <= bytesMax else {
      throw .unreadableFile(path: path, reason: "it is larger than \(bytesMax) bytes")
    }
    return bytes
  }

  static var environment: [String: String] {
    // The first of two variables of one name is the one that getenv gives.
    Dictionary(SystemProcess.environment.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}
