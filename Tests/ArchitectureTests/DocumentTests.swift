// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@Suite("Documents agree with the tree")
struct DocumentTests {
  @Test("README shows the embedded example as it is compiled")
  func embeddedExample() throws {
    let readme = try #require(SourceTree.read("README.md"))
    let example = try #require(SourceTree.read("Examples/EmbeddedRegistry/EmbeddedRegistry.swift"))
    let code = example.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("//") || $0 == "" }
    #expect(readme.contains("```swift\n\(code.joined(separator: "\n"))```\n"))
  }

  @Test("Every link to a file leads to one")
  func links() {
    var count = 0
    for document in SourceTree.documents {
      let folder = document.path.split(separator: "/").dropLast()
      for target in Self.links(in: document.text) where !target.contains("://") && !target.hasPrefix("#") {
        let parts = folder + (target.split(separator: "#").first ?? "").split(separator: "/")
        let path = parts.reduce(into: [Substring]()) { path, part in
          if part == ".." { path = path.dropLast() } else { path.append(part) }
        }.joined(separator: "/")
        #expect(SourceTree.exists(path), "\(document.path) links to \(target), which is not there")
        count += 1
      }
    }
    #expect(count > 20)
  }

  @Test("The index of decisions lists every decision, by its number and under its title")
  func decisions() throws {
    let index = try #require(SourceTree.read("docs/decisions/README.md"))
    let decisions = SourceTree.documents.filter {
      $0.path.hasPrefix("docs/decisions/") && $0.path != "docs/decisions/README.md"
    }
    #expect(decisions.count >= 9)
    for decision in decisions {
      let file = try #require(decision.path.split(separator: "/").last)
      let number = try #require(Int(file.prefix(4)), "\(file) does not begin with four digits")
      let title = try #require(decision.lines.first)
      #expect(title.hasPrefix("# \(number). "), "\(file): \(title)")
      let row = "| [\(number)](\(file)) | \(title.dropFirst("# \(number). ".count)) |"
      #expect(index.contains(row), "docs/decisions/README.md lacks the row: \(row)")
    }
  }

  /// The targets of `[text](target)`.
  private static func links(in text: String) -> [Substring] {
    text.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { rest in
      rest.firstIndex(of: ")").map { rest[..<$0] }
    }
  }
}
