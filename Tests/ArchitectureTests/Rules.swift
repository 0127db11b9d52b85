// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

private let product: @Sendable (String) -> Bool = { $0.hasPrefix("Sources/") || $0.hasPrefix("Examples/") }
private let libraries: @Sendable (String) -> Bool = {
  $0.hasPrefix("Sources/") && !$0.hasPrefix("Sources/RegistryCommand/")
}
private let everySwiftFile: @Sendable (String) -> Bool = {
  $0.hasSuffix(".swift") && !$0.hasPrefix("Tests/ArchitectureTests/")
}
/// The one place that makes tasks.
private let outsideWorld: @Sendable (String) -> Bool = { product($0) && !$0.hasPrefix("Sources/World/") }

/// Files that may import FoundationEssentials, each with its reason.
private let mayImportFoundationEssentials: [String: String] = [
  "Sources/OCI/": "JSON of manifests",
  "Sources/RegistryAPI/": "JSON of answers",
]

/// Folders that may import Glibc, each with its reason. No other file can reach a descriptor, a socket or a clock.
private let mayImportGlibc: [String: String] = [
  "Sources/EventLoops/": "it is the outside",
  "Sources/RegistryCommand/": "exit status and environment of the process",
]

/// Files longer than the 500 lines where we ask whether two things live in one, and why they may.
private let mayBeLong: [String: String] = [:]

extension Rule {
  /// What code may not call or import, and what it does instead.
  static let bans: [Rule] = [
    .ban(
      ["Task {", "Task.init", "Task.immediate"], instead: "spawn(on: loop) { … } of World", in: outsideWorld,
      bad: "func f() {\n  Task { g() }\n}",
      good: "// Task { is banned\nspawn(on: loop) { g() }\nlet group = withTaskGroup"),
    .ban(
      ["Task(", "Task<", "async let"], instead: "spawn(on: loop) { … } of World", in: outsideWorld,
      bad: "_ = Task(executorPreference: loop) { }", good: "let task = UploadTask(loop)"),
    .ban(
      ["Task.detached"], instead: "spawn(on: loop) { … } of World", in: product, bad: "Task.detached { }",
      good: "spawn(on: loop) { }"),
    .ban(
      ["Task.sleep", "ContinuousClock", "SuspendingClock"], instead: "LoopClock of World",
      in: product, bad: "try await Task.sleep(for: .seconds(1))", good: "await clock.wait(for: .seconds(1))"),
    .ban(
      ["Task.yield"], instead: "return to the loop: await an event", in: product, bad: "await Task.yield()",
      good: "await stream.readable()"),
    .ban(
      ["AsyncStream", "AsyncThrowingStream"], instead: "a pull with one continuation (withLoopContinuation)",
      in: product, bad: "let s = AsyncStream<Int> { _ in }", good: "let s = BodyStream()"),
    .ban(
      ["import Dispatch", "DispatchQueue", "DispatchSemaphore", "dispatchMain"], instead: "an event loop of World",
      in: everySwiftFile, bad: "import Dispatch", good: "import GantryWorld"),
    .ban(
      ["import Foundation"], instead: "the standard library, or FoundationEssentials in a listed file",
      in: everySwiftFile,
      bad: "import Foundation", good: "import FoundationEssentials", at: "Sources/OCI/Example.swift"),
    .ban(
      ["import FoundationEssentials"],
      instead: "the standard library; a file that cannot do without goes into the list beside this rule",
      in: { path in product(path) && !mayImportFoundationEssentials.keys.contains(where: path.hasPrefix) },
      bad: "internal import FoundationEssentials", good: "import GantryOCI"),
    .ban(
      ["import Glibc", "import Musl", "import SwiftGlibc"],
      instead: "files, sockets, clocks and random bytes come from World; only listed folders may import Glibc",
      in: { path in product(path) && !mayImportGlibc.keys.contains(where: path.hasPrefix) },
      bad: "import Glibc", good: "import GantryWorld"),
    .ban(
      ["try!"], instead: "throw, or say in a comment why it cannot fail", in: product, unlessReasoned: true,
      bad: "let x = try! f()", good: "let x = try! f()  // the text is a literal"),
    .ban(
      ["fatalError"], instead: "precondition with a sentence, or say in a comment why", in: product,
      unlessReasoned: true,
      bad: "fatalError()", good: "// Nobody can get here: the enum is closed.\nfatalError()"),
    .ban(
      ["nonisolated(unsafe)"], instead: "an immutable let, or say in a comment why", in: everySwiftFile,
      unlessReasoned: true, bad: "nonisolated(unsafe) var x = 1",
      good: "// Never written after the thread starts.\nnonisolated(unsafe) let x = 1"),
    .ban(
      ["try?"], instead: "handle the error, or say in a comment why it does not matter", in: product,
      unlessReasoned: true, bad: "try? close()", good: "try? close()  // nothing is left to lose"),
    .ban(
      ["print(", "debugPrint(", "dump("], instead: "a logger of Telemetry", in: libraries, bad: "print(x)",
      good: "logger.info(\"print(x)\")\nblueprint(x)"),
    .ban(
      ["import Combine", "@MainActor", "MainActor.run"], instead: "every actor names its loop", in: product,
      bad: "@MainActor func f() {}", good: "actor A {}"),
  ]

  /// What a file must have, and how long it may be.
  static let forms: [Rule] = [
    Rule(
      "@unchecked Sendable", instead: "Mutex or an actor; else \"// Safe because: …\" above it or as its first line",
      covers: { $0.hasSuffix(".swift") && everySwiftFile($0) },
      bad: ("Sources/OCI/A.swift", "/// A class.\nfinal class A: @unchecked Sendable {\n  var x = 1\n}\n"),
      good: (
        "Sources/OCI/A.swift",
        "final class A: @unchecked Sendable {\n  // Safe because: only the loop touches it.\n}\n"
      )
    ) { file in
      file.code.indices.filter { index in
        containsWord("@unchecked Sendable", in: file.code[index])
          && !file.lines[max(0, index - 3)...min(file.lines.count - 1, index + 1)].contains {
            $0.contains("Safe because")
          }
      }
    },
    Rule(
      "empty catch", instead: "handle the error, or say in a comment why it does not matter", covers: product,
      bad: ("Sources/OCI/A.swift", "do { try f() } catch {\n}\n"),
      good: ("Sources/OCI/A.swift", "do { try f() } catch {\n  // Gone already.\n}\n")
    ) { file in
      file.code.indices.filter { index in
        guard let range = file.code[index].firstRange(of: "catch") else { return false }
        let rest = file.code[index][range.upperBound...].filter { $0 != " " }
        if rest.hasSuffix("{}") { return !file.hasReason(at: index) }
        guard rest.hasSuffix("{"), index + 1 < file.code.count else { return false }
        return file.code[index + 1].filter { $0 != " " } == "}" && !file.hasReason(at: index)
      }
    },
    Rule(
      "licence header", instead: "begin with the two SPDX lines", covers: { !$0.hasSuffix(".md") },
      bad: ("Sources/OCI/A.swift", "import GantryOCI\n"),
      good: (
        "Sources/OCI/A.swift",
        "// SPDX-License-Identifier: Apache-2.0\n// SPDX-FileCopyrightText: The Gantry authors\n"
      )
    ) { file in
      let head = file.lines.prefix(3)
      return head.contains("// SPDX-License-Identifier: Apache-2.0")
        && head.contains("// SPDX-FileCopyrightText: The Gantry authors") ? [] : [0]
    },
    Rule(
      "line length", instead: "120 characters are enough for a line", covers: { !$0.hasSuffix(".md") },
      bad: ("Sources/OCI/A.swift", String(repeating: "x", count: 121)),
      good: ("Sources/OCI/A.swift", String(repeating: "x", count: 120))
    ) { file in
      file.lines.indices.filter { index in
        guard file.lines[index].count > 120 else { return false }
        // A long literal cannot be cut without changing what it says.
        let code = index < file.code.count ? file.code[index] : ""
        return code.allSatisfy { $0 == " " } || code.count > 120 || !file.lines[index].contains("\"")
      }
    },
    Rule(
      "one first-level heading", instead: "a document has one title", covers: { $0.hasSuffix(".md") },
      bad: ("docs/A.md", "# A\n\n# B\n"), good: ("docs/A.md", "# A\n\n```\n# a comment\n```\n## B\n")
    ) { file in
      var fenced = false
      var titles: [Int] = []
      for (index, line) in file.lines.enumerated() {
        if line.hasPrefix("```") { fenced.toggle() }
        if !fenced, line.hasPrefix("# ") { titles.append(index) }
      }
      return titles.isEmpty ? [0] : Array(titles.dropFirst())
    },
    Rule(
      "no placeholder", instead: "delete it: the folder has real files, or should have",
      covers: { $0.hasPrefix("Sources/") || $0.hasPrefix("Tests/") || $0.hasPrefix("Examples/") },
      bad: ("Sources/OCI/Placeholder.swift", ""), good: ("Sources/OCI/Digest.swift", "")
    ) { file in file.path.hasSuffix("/Placeholder.swift") ? [0] : [] },
  ]

  static let all = bans + forms

  /// Where we ask whether two things live in one file: a warning, not a failure.
  static let fileLength = Rule(
    "file length", instead: "perhaps two rooms: split it, or list it with its reason",
    covers: { $0.hasSuffix(".swift") && mayBeLong[$0] == nil },
    bad: ("Sources/OCI/A.swift", String(repeating: "\n", count: 502)),
    good: ("Sources/OCI/A.swift", String(repeating: "\n", count: 400))
  ) { file in file.lines.count > 501 ? [file.lines.count - 1] : [] }
}
