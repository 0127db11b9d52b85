// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What Package.swift says about who knows whom, read from its text: the project's own notation is narrow enough for
/// that (`room(…, knows: […])`, `tests(…)`, and targets written out).
struct PackageMap {
  /// Dependencies of each target by target name; the targets and products that it lists by name.
  let dependencies: [String: [String]]

  init(manifest: String) {
    var dependencies: [String: [String]] = [:]
    let code = manifest.split(separator: "\n").filter { !$0.drop(while: { $0 == " " }).hasPrefix("//") }
      .joined(separator: "\n")
    for call in PackageMap.calls(in: code) {
      guard let name = PackageMap.quoted(call.arguments).first else { continue }
      let target = call.name == "room" ? "Gantry\(name)" : call.name == "tests" ? "\(name)Tests" : name
      dependencies[target] = PackageMap.list(after: ["knows:", "dependencies:"], in: call.arguments)
    }
    self.dependencies = dependencies
  }

  private static func calls(in code: String) -> [(name: String, arguments: String)] {
    let openers = [
      "room(": "room", "tests(": "tests", ".target(": "target", ".executableTarget(": "target",
      ".systemLibrary(": "target", ".testTarget(": "target",
    ]
    var calls: [(name: String, arguments: String)] = []
    for (opener, name) in openers {
      for start in ranges(of: opener, in: code) {
        let before = start == code.startIndex ? " " : code[code.index(before: start)]
        if before.isLetter || before == "_" { continue }
        if opener.hasPrefix("r") || opener.hasPrefix("t"), code[..<start].hasSuffix("func ") { continue }
        let open = code.index(start, offsetBy: opener.count - 1)
        calls.append((name, balanced(from: open, in: code)))
      }
    }
    return calls
  }

  private static func ranges(of needle: String, in text: String) -> [String.Index] {
    var found: [String.Index] = []
    var rest = text[...]
    while let range = rest.firstRange(of: needle) {
      found.append(range.lowerBound)
      rest = rest[range.upperBound...]
    }
    return found
  }

  private static func balanced(from open: String.Index, in text: String) -> String {
    var depth = 0
    for index in text[open...].indices {
      if text[index] == "(" || text[index] == "[" { depth += 1 }
      if text[index] == ")" || text[index] == "]" {
        depth -= 1
        if depth == 0 { return String(text[text.index(after: open)..<index]) }
      }
    }
    return String(text[open...])
  }

  /// The names listed after one of the labels: quoted ones, and the file's own constants for products.
  private static func list(after labels: [String], in arguments: String) -> [String] {
    for label in labels {
      guard let range = arguments.firstRange(of: label) else { continue }
      guard let open = arguments[range.upperBound...].firstIndex(of: "[") else { continue }
      let list = balanced(from: open, in: arguments)
      var names = quoted(list)
      if list.contains("logging") { names.append("Logging") }
      if list.contains("argumentParser") { names.append("ArgumentParser") }
      if list.contains("tracing") { names.append("Tracing") }
      return names
    }
    return []
  }

  private static func quoted(_ text: String) -> [String] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
  }
}

/// The floors of the house (docs/ARCHITECTURE.md). A room knows rooms of lower floors only; two rooms of one floor
/// never know each other.
enum Floors {
  /// The floor of each target; what may be known from anywhere above is on a low floor.
  static let table: [String: Int] = [
    "CGantryUV": 0, "CGantryOpenSSL": 0, "CGantryYAML": 0, "CGantryCrypt": 0, "CGantryLoadTLS": 0,
    "CGantryNGHTTP2": 0,
    "CGantryTLS": 0,
    "GantryWorld": 0, "GantryPatterns": 0,
    "GantryEventLoops": 10, "GantryCryptography": 10, "GantryPasswordHash": 10, "GantryTLS": 10, "GantryYAML": 10,
    "GantryOCI": 20, "GantryHTTPWire": 20, "GantryConfiguration": 20, "GantryLimiting": 20,
    "GantryHTTP2": 22,
    "GantryStorage": 30, "GantryHTTPService": 30,
    "GantryTracing": 50,  // beside the house, above Telemetry: for embedders only
    "GantryTelemetry": 25,  // beside the house: floors 3 to roof may know it
    "GantryRegistry": 40, "GantryAccess": 40, "GantryMemoryStorage": 40, "GantryFilesystemStorage": 40,
    "GantryRegistryAPI": 50, "GantryServer": 50, "GantryMonitoring": 50,
    "Gantry": 60,
    "registry": 70, "embedded-registry": 70,
    "GantryLoadTesting": 70, "registry-load": 80,  // beside the house, on its lower floors; no room may know them
  ]

  /// What comes from outside the project, and the rooms that may know it.
  static let outside: [String: Set<String>] = [
    "Logging": ["GantryTelemetry", "GantryRegistryAPI", "Gantry", "registry"],
    "ArgumentParser": ["registry", "registry-load"],
    "Tracing": ["GantryTracing"],
  ]

  /// The one room that owns each C library.
  static let owners = [
    "CGantryUV": "GantryEventLoops", "CGantryOpenSSL": "GantryCryptography", "CGantryYAML": "GantryYAML",
    "CGantryLoadTLS": "GantryLoadTesting", "CGantryCrypt": "GantryPasswordHash",
    "CGantryNGHTTP2": "GantryHTTP2",
    "CGantryTLS": "GantryTLS",
  ]

  /// Everything in `map` that contradicts the table, as sentences.
  static func violations(in map: PackageMap) -> [String] {
    var found: [String] = []
    for (target, dependencies) in map.dependencies.sorted(by: { $0.key < $1.key }) {
      guard let floor = table[target] else { continue }
      for dependency in dependencies {
        if let allowed = outside[dependency] {
          if !allowed.contains(target) { found.append("\(target) may not know \(dependency)") }
        } else if let owner = owners[dependency] {
          if owner != target { found.append("\(target) may not know \(dependency): only \(owner) does") }
        } else if let below = table[dependency] {
          if below >= floor { found.append("\(target) may not know \(dependency): it is not on a lower floor") }
        } else {
          found.append("\(target) knows \(dependency), which is on no floor: no product room may know the yard")
        }
      }
    }
    return found
  }
}
