// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// The configuration that a test's registry runs with.
struct RegistrySettings: Sendable {
  var deletes = true
  var secret: String? = "a secret of the tests"
  /// Lines below `http:`, indented by two.
  var http: [String] = []
  /// Lines below `storage:`, indented by two.
  var storage: [String] = []
  /// Whole top-level lines.
  var more: [String] = []
  var environment: [String: String] = [:]

  func text(root: String, address: String, isUnix: Bool) -> String {
    var lines = ["version: 0.1", "log:", "  level: info", "storage:", "  filesystem:", "    rootdirectory: \(root)"]
    if deletes { lines += ["  delete:", "    enabled: true"] }
    lines += storage
    lines += ["http:", "  addr: '\(address)'"]
    if isUnix { lines.append("  net: unix") }
    if let secret { lines.append("  secret: '\(secret)'") }
    // No proxy looks at the readiness of most tests' registries.
    if !http.contains(where: { $0.hasPrefix("  draindelay") }) { lines.append("  draindelay: 0s") }
    lines += http + more
    return lines.joined(separator: "\n") + "\n"
  }
}

/// The release binary under test, serving a directory of its own.
final class RegistryProcess: Sendable {
  let scratch: Scratch
  let root: String
  let endpoint: Endpoint
  let settings: RegistrySettings
  let child: ChildProcess
  let configuration: String
  var log: String { Files.text("\(scratch.path)/stderr.log") + Files.text("\(scratch.path)/stdout.log") }

  /// The registry of the suite that runs now (see ``ServedSuite``).
  @TaskLocal static var shared: RegistryProcess?

  /// The suite's registry, or an error that names what is missing.
  static var current: RegistryProcess {
    get throws {
      guard let shared else { throw HarnessError("the suite lacks .served(…)") }
      return shared
    }
  }

  /// The binary under test: `$GANTRY_REGISTRY_BINARY`, else the release build of this checkout.
  static let binary: String = {
    if let named = getenv("GANTRY_REGISTRY_BINARY") { return String(cString: named) }
    let top = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    return "/\(top)/.build/release/registry"
  }()

  /// Starts the registry and returns when it accepts connections. `tracer` is a program, with its arguments, that runs
  /// another and lets it be our child.
  init(
    _ settings: RegistrySettings = RegistrySettings(), in scratch: Scratch? = nil, root: String? = nil,
    at wanted: Endpoint? = nil, under tracer: [String] = []
  ) throws {
    let scratch = try scratch ?? Scratch()
    self.scratch = scratch
    self.settings = settings
    self.root = root ?? "\(scratch.path)/data"
    endpoint = try wanted ?? .ip4(port: freePort())
    configuration = "\(scratch.path)/config-\(UInt64.random(in: 0 ... .max)).yml"
    try Files.makeDirectory(self.root)
    var isUnix = false
    if case .unix = endpoint { isUnix = true }
    try Files.write(
      settings.text(root: self.root, address: endpoint.description, isUnix: isUnix), to: configuration)
    child = try RegistryProcess.spawn(
      ["serve", configuration], environment: settings.environment, scratch: scratch, under: tracer)
    try waitUntilServing()
  }

  /// Starts the binary with any arguments.
  static func spawn(
    _ arguments: [String], environment: [String: String] = [:], scratch: Scratch, directory: String? = nil,
    under tracer: [String] = []
  ) throws -> ChildProcess {
    guard access(binary, X_OK) == 0 else {
      throw HarnessError("\(binary) is not there: `make build` makes it, GANTRY_REGISTRY_BINARY names another")
    }
    return try ChildProcess(
      tracer + [binary] + arguments, environment: Command.basicEnvironment.merging(environment) { $1 },
      output: "\(scratch.path)/stdout.log", errors: "\(scratch.path)/stderr.log", directory: directory)
  }

  /// Runs the binary to its end with any arguments.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], scratch: Scratch, directory: String? = nil
  ) throws -> Command.Outcome {
    guard access(binary, X_OK) == 0 else {
      throw HarnessError("\(binary) is not there: `make build` makes it, GANTRY_REGISTRY_BINARY names another")
    }
    return try Command.run(
      [binary] + arguments, environment: Command.basicEnvironment.merging(environment) { $1 }, in: scratch, seconds: 20,
      directory: directory)
  }

  private func waitUntilServing() throws {
    for _ in 0..<20_000 {
      if let connection = try? Connection(to: endpoint) {  // refused until it listens
        connection.shut()
        return
      }
      // The wait is for the child's end, which would be the reason why nobody listens.
      if child.hasEnded(within: 1) {
        throw HarnessError("the registry ended with \(child.exitCode ?? -1) instead of serving: \(log)")
      }
    }
    throw HarnessError("the registry does not listen on \(endpoint): \(log)")
  }

  /// Ends the registry as an operator does, and expects it to end well.
  func stop(sourceLocation: SourceLocation = #_sourceLocation) {
    child.signal(SIGTERM)
    guard child.hasEnded(within: 40_000) else {
      Issue.record("SIGTERM did not end the registry within 40 s: \(log.suffix(2000))", sourceLocation: sourceLocation)
      child.signal(SIGKILL)
      return
    }
    #expect(child.exitCode == 0, "after SIGTERM: \(log.suffix(2000))", sourceLocation: sourceLocation)
  }

  /// Stops this registry and starts one on the same directory and address.
  func restarted(with other: RegistrySettings? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws
    -> RegistryProcess
  {
    stop(sourceLocation: sourceLocation)
    return try RegistryProcess(other ?? settings, in: scratch, root: root, at: endpoint)
  }

  /// What the kernel says of the process, in KiB: resident memory now.
  var residentKiB: Int { statusKiB("VmRSS") }

  /// The most memory that was ever resident since the start, or since ``resetPeak()``.
  var peakKiB: Int { statusKiB("VmHWM") }

  func resetPeak() { try? Files.write("5", to: "/proc/\(child.pid)/clear_refs") }  // then the peak is since the start

  private func statusKiB(_ key: String) -> Int {
    for line in Files.text("/proc/\(child.pid)/status").split(separator: "\n") where line.hasPrefix("\(key):") {
      return Int(line.filter(\.isNumber)) ?? -1
    }
    return -1
  }

  /// How many descriptors it has open.
  var descriptorCount: Int { Files.names(in: "/proc/\(child.pid)/fd").count }

  /// The names of its threads.
  var threads: [String] {
    Files.names(in: "/proc/\(child.pid)/task").map {
      String(Files.text("/proc/\(child.pid)/task/\($0)/comm").trimmed().filter { $0 != "\n" })
    }
  }
}

/// Gives every test of a suite one registry, and expects it to be alive and to end well after the last.
struct ServedSuite: SuiteTrait, TestScoping {
  let settings: RegistrySettings

  @concurrent
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    let registry = try RegistryProcess(settings)
    try await RegistryProcess.$shared.withValue(registry) { try await function() }
    #expect(!registry.child.hasEnded(within: 0), "the registry did not survive its tests: \(registry.log.suffix(2000))")
    registry.stop()
  }
}

extension Trait where Self == ServedSuite {
  /// One registry for the whole suite.
  static func served(_ settings: RegistrySettings = RegistrySettings()) -> Self { Self(settings: settings) }
}
