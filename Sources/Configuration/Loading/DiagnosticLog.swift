// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Collects diagnostics while a configuration is read, each once, and of each severity no more than a person reads.
struct DiagnosticLog {
  /// How many diagnostics of one severity are kept; the rest are counted.
  static let diagnosticsMax = 200

  let file: String
  private var diagnostics: [Diagnostic] = []
  private var known: Set<Diagnostic> = []
  private var counts: [Diagnostic.Severity: Int] = [:]

  init(file: String) {
    self.file = file
  }

  var hasErrors: Bool {
    counts[.error, default: 0] > 0
  }

  /// The diagnostics in the order of the file; those without a line (absent keys, environment variables) last.
  var ordered: [Diagnostic] {
    sorted + [Diagnostic.Severity.error, .warning].compactMap(omitted)
  }

  private var sorted: [Diagnostic] {
    diagnostics.enumerated().sorted { left, right in
      let (first, second) = (left.element, right.element)
      if (first.line == 0) != (second.line == 0) { return second.line == 0 }
      return (first.line, first.column, left.offset) < (second.line, second.column, right.offset)
    }.map(\.element)
  }

  /// Adds a remark about a place of the file, or about the file as a whole.
  mutating func add(_ severity: Diagnostic.Severity, at mark: YAMLMark?, _ path: String, _ message: String) {
    add(
      Diagnostic(
        severity: severity, file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, path: path, message: message))
  }

  /// Adds a remark about a node; one that an environment variable put there is named by the variable.
  mutating func add(
    _ severity: Diagnostic.Severity, about node: YAMLNode, at mark: YAMLMark? = nil, _ path: String, _ message: String
  ) {
    guard node.origin != file else { return add(severity, at: mark ?? node.mark, path, message) }
    add(Diagnostic(severity: severity, file: node.origin, line: 0, column: 0, path: path, message: message))
  }

  private mutating func add(_ diagnostic: Diagnostic) {
    let count = counts[diagnostic.severity, default: 0]
    if count < Self.diagnosticsMax {
      guard known.insert(diagnostic).inserted else { return }
      diagnostics.append(diagnostic)
    }
    counts[diagnostic.severity] = count + 1
  }

  private func omitted(_ severity: Diagnostic.Severity) -> Diagnostic? {
    let count = counts[severity, default: 0] - Self.diagnosticsMax
    guard count > 0 else { return nil }
    return Diagnostic(
      severity: severity, file: file, line: 0, column: 0, path: "", message: "and \(count) more like these")
  }
}
