// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@Suite("The house keeps its rules")
struct HouseRulesTests {
  @Test("The tree is there to be read")
  func treeIsFound() {
    #expect(SourceTree.files.contains { $0.path == "Package.swift" })
    #expect(SourceTree.files.contains { $0.path.hasPrefix("Sources/OCI/") })
    #expect(SourceTree.files.count > 50)
  }

  @Test("No file breaks the rule", arguments: Rule.all)
  func ruleHolds(_ rule: Rule) {
    for finding in SourceTree.files.flatMap({ rule.findings(in: $0) }) { Issue.record("\(finding)") }
  }

  @Test("The rule catches what it is for, and nothing else", arguments: Rule.all + [Rule.fileLength])
  func ruleIsSharp(_ rule: Rule) {
    #expect(!rule.findings(in: rule.bad).isEmpty, "\(rule.name) lets its own bad example pass")
    #expect(rule.findings(in: rule.good) == [], "\(rule.name) refuses its own good example")
  }

  @Test("Long files are pointed at")
  func fileLength() {
    for finding in SourceTree.files.flatMap({ Rule.fileLength.findings(in: $0) }) {
      Issue.record("\(finding)", severity: .warning)
    }
  }
}

@Suite("Code is told from prose")
struct CodeLinesTests {
  @Test(
    "Comments and strings are taken out",
    arguments: [
      ("let a = 1 // Task {", "let a = 1 "),
      ("/* a /* b */ c */let x", "let x"),
      (#"f("Task { \"x")g"#, #"f("")g"#),
      (##"f(#"a"b"#)g"##, #"f("")g"#),
      (#"f("a\(g("b"))c")h"#, #"f("")h"#),
    ])
  func oneLine(_ text: String, _ expected: String) {
    #expect(codeLines(of: text) == [expected])
  }

  @Test("Lines keep their numbers")
  func numbers() {
    #expect(codeLines(of: "a\n/*\n*/\nb\n\"\"\"\nc\n\"\"\"\nd") == ["a", "", "", "b", "\"\"", "", "", "d"])
  }

  @Test("A word is found whole only")
  func words() {
    #expect(containsWord("print(", in: "  print(x)"))
    #expect(!containsWord("print(", in: "  blueprint(x)"))
    #expect(containsWord("import Foundation", in: "public import Foundation"))
    #expect(!containsWord("import Foundation", in: "import FoundationEssentials"))
    #expect(containsWord("try?", in: "_ = try? f()"))
  }
}

@Suite("The rooms stand on their floors")
struct FloorTests {
  private static let map = PackageMap(manifest: SourceTree.read("Package.swift") ?? "")

  @Test("Every room of Package.swift is on a floor, and knows lower floors only")
  func graph() {
    #expect(Self.map.dependencies["GantryRegistry"]?.contains("GantryStorage") == true)
    #expect(Self.map.dependencies["Gantry"]?.contains("GantryServer") == true)
    for violation in Floors.violations(in: Self.map) { Issue.record("\(violation)") }
    for target in Floors.table.keys.sorted() {
      #expect(Self.map.dependencies[target] != nil, "\(target) is on a floor, but not in Package.swift")
    }
  }

  @Test(
    "A wrong dependency is caught",
    arguments: [
      (#"room("OCI", knows: ["GantryServer"])"#, "GantryOCI may not know GantryServer"),
      (#"room("Registry", knows: ["GantryFilesystemStorage"])"#, "GantryRegistry may not know GantryFilesystemStorage"),
      (#"room("Server", knows: ["CGantryUV"])"#, "GantryServer may not know CGantryUV"),
      (#"room("OCI", knows: [logging])"#, "GantryOCI may not know Logging"),
      (#".target(name: "Gantry", dependencies: ["GantryTestKit"])"#, "Gantry knows GantryTestKit"),
    ])
  func wrongDependency(_ manifest: String, _ sentence: String) {
    let found = Floors.violations(in: PackageMap(manifest: manifest))
    #expect(found.count == 1 && found.first?.hasPrefix(sentence) == true, "\(found)")
  }

  @Test("A file imports a C library only in the room that owns it, and rooms only as its target lists")
  func imports() {
    var targetOfFolder: [String: String] = [:]
    for target in Floors.table.keys {
      targetOfFolder[target.hasPrefix("Gantry") && target != "Gantry" ? String(target.dropFirst(6)) : target] = target
    }
    targetOfFolder["RegistryCommand"] = "registry"
    for file in SourceTree.files {
      guard let room = file.room, file.path.hasSuffix(".swift") else { continue }
      guard let target = targetOfFolder[room] else {
        Issue.record("\(file.path): the folder \(room) is no room of the floor table")
        continue
      }
      for module in importedModules(of: file) where module.hasPrefix("Gantry") || module.hasPrefix("CGantry") {
        #expect(
          Self.map.dependencies[target]?.contains(module) == true, "\(file.path): \(target) does not list \(module)")
      }
    }
  }

  @Test("Imports are read in every form")
  func importForms() {
    let file = SourceFile(
      path: "Sources/OCI/A.swift",
      text: "public import A\nimport struct B.C\n@preconcurrency import D\n// import E\ninternal import F")
    #expect(importedModules(of: file) == ["A", "B", "D", "F"])
  }
}

/// The modules that a file imports, whatever stands before and after the word.
private func importedModules(of file: SourceFile) -> [String] {
  let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
  return file.code.compactMap { line in
    var words = line.split(separator: " ")
    guard let at = words.firstIndex(of: "import"), at <= 2 else { return nil }
    words.removeFirst(at + 1)
    if let first = words.first, kinds.contains(first) { words.removeFirst() }
    return words.first?.split(separator: ".").first.map(String.init)
  }
}
