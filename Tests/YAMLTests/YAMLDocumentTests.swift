// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryYAML
import Testing

/// A node without its places, for comparisons: `{a: [1, "x"]}`.
private func shape(_ node: YAMLNode?) -> String {
  switch node?.content {
  case nil: "-"
  case .scalar(let scalar): scalar.style == .plain ? scalar.text : "\"\(scalar.text)\""
  case .sequence(let elements): "[" + elements.map { shape($0) }.joined(separator: ", ") + "]"
  case .mapping(let mapping):
    "{" + mapping.entries.map { "\($0.key): \(shape($0.value))" }.joined(separator: ", ") + "}"
  }
}

private func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLDocument {
  try YAMLDocument(Array(text.utf8), origin: "t", limits: limits)
}

private func fault(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) -> YAMLError? {
  do {
    _ = try YAMLDocument(bytes, origin: "t", limits: limits)
    return nil
  } catch {
    return error
  }
}

struct YAMLDocumentTests {
  @Test(arguments: [
    ("", "-"),
    ("# only a comment\n", "-"),
    ("---\n", ""),
    ("a", "a"),
    ("a: 1\nb: [x, 'y', \"z\"]\n", "{a: 1, b: [x, \"y\", \"z\"]}"),
    ("b: 1\na: 2\n", "{b: 1, a: 2}"),
    ("a: |\n  x\n  y\n", "{a: \"x\ny\n\"}"),
    ("a:\n", "{a: }"),
    ("'': 1\n", "{: 1}"),
    ("a: &x {k: v}\nb: *x\n", "{a: {k: v}, b: {k: v}}"),
    ("b: &b {k: 1, l: 2}\nc:\n  <<: *b\n  l: 3\n", "{b: {k: 1, l: 2}, c: {l: 3, k: 1}}"),
    ("c: {<<: [{k: 1}, {k: 2, m: 3}], n: 4}", "{c: {n: 4, k: 1, m: 3}}"),
    ("\u{FEFF}a: ä", "{a: ä}"),
  ])
  func tree(_ text: String, _ expected: String) throws {
    #expect(try shape(parse(text).root) == expected)
  }

  @Test func marksCountLinesAndCharactersFromOne() throws {
    let document = try parse("# c\nä: {b: 1,\n    c: [x]}\n")
    let entry = try #require(document.root?.mapping?.entry("ä"))
    #expect(entry.keyMark == YAMLMark(line: 2, column: 1))
    #expect(entry.value.mark == YAMLMark(line: 2, column: 4))
    #expect(entry.value["b"]?.mark == YAMLMark(line: 2, column: 8))
    let list = try #require(entry.value["c"])
    #expect(list.mark == YAMLMark(line: 3, column: 8))
    #expect(list.sequence?.first?.mark == YAMLMark(line: 3, column: 9))
    #expect(list.origin == "t")
  }

  @Test func utf16IsRead() throws {
    let bytes: [UInt8] = [0xFF, 0xFE] + "a: ö".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    #expect(try shape(YAMLDocument(bytes, origin: "t").root) == "{a: ö}")
  }

  @Test func onlyTheFirstDocumentIsRead() throws {
    let document = try parse("a: 1\n---\nb: [unclosed\n")
    #expect(shape(document.root) == "{a: 1}")
    #expect(document.nextDocument == YAMLMark(line: 2, column: 1))
    #expect(try parse("a: 1\n...\n").nextDocument == nil)
  }

  @Test(arguments: [
    (
      "a: 1\nb: 2\na: 3\n",
      YAMLError(.duplicateKey("a", first: YAMLMark(line: 1, column: 1)), at: .init(line: 3, column: 1))
    ),
    ("{a: 1}: 2\n", YAMLError(.keyNotScalar, at: YAMLMark(line: 1, column: 1))),
    ("a: *x\n", YAMLError(.unknownAnchor("x"), at: YAMLMark(line: 1, column: 4))),
    ("a: &x [*x]\n", YAMLError(.unknownAnchor("x"), at: YAMLMark(line: 1, column: 8))),
    ("a: {<<: 1}\n", YAMLError(.mergeNotMapping, at: YAMLMark(line: 1, column: 9))),
    ("a: {<<: [1]}\n", YAMLError(.mergeNotMapping, at: YAMLMark(line: 1, column: 9))),
    (
      "a: !!binary aGk=\n",
      YAMLError(.unsupportedTag("tag:yaml.org,2002:binary"), at: YAMLMark(line: 1, column: 4))
    ),
  ])
  func faults(_ text: String, _ expected: YAMLError) {
    #expect(fault(Array(text.utf8)) == expected)
  }

  @Test(arguments: [
    ("a: [1\nb: 2\n", 2, "did not find expected ',' or ']'"),
    ("a: 1\n\tb: 2\n", 2, "found a tab character that violates indentation"),
    ("a: \"x\n", 2, "found unexpected end of stream"),
    ("a: 1\n b: 2\n", 2, "mapping values are not allowed in this context"),
    ("%YAML 9.9\n---\na\n", 1, "found incompatible YAML document"),
  ])
  func syntaxFaultsNameTheLine(_ text: String, _ line: Int, _ message: String) throws {
    let error = try #require(fault(Array(text.utf8)))
    #expect(error.mark.line == line)
    #expect(error.message.hasPrefix(message), "\(error)")
  }

  @Test func brokenUTF8NamesTheLine() throws {
    let error = try #require(fault(Array("a: 1\nb: ".utf8) + [0xC3, 0x28]))
    #expect(error.mark == YAMLMark(line: 2, column: 5))
    guard case .syntax = error.reason else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func lengthIsLimited() {
    let limits = YAMLLimits(bytesMax: 4)
    #expect(fault(Array("a: 1".utf8), limits: limits) == nil)
    #expect(fault(Array("a: 12".utf8), limits: limits)?.reason == .tooLong(bytesMax: 4))
  }

  @Test func depthIsLimitedThroughAliasesToo() {
    let limits = YAMLLimits(depthMax: 3)
    #expect(fault(Array("[[[x]]]".utf8), limits: limits) == nil)
    #expect(fault(Array("[[[[x]]]]".utf8), limits: limits)?.reason == .tooDeep(depthMax: 3))
    #expect(fault(Array("- &a [[x]]\n- *a\n".utf8), limits: limits) == nil)
    #expect(fault(Array("- &a [[x]]\n- [*a]\n".utf8), limits: limits)?.reason == .tooDeep(depthMax: 3))
    let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
    #expect(fault(hostile)?.reason == .tooDeep(depthMax: 64))
  }

  @Test func aliasesCountAsWhatTheyRepeat() {
    // Nine levels of nine: 3.9e8 nodes if it were expanded.
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
    }
    #expect(fault(Array(text.utf8))?.reason == .tooManyNodes(nodesMax: 50_000))
    #expect(fault(Array("[&a [x, x], *a]".utf8), limits: YAMLLimits(nodesMax: 7)) == nil)
    #expect(
      fault(Array("[&a [x, x], *a]".utf8), limits: YAMLLimits(nodesMax: 6))?.reason == .tooManyNodes(nodesMax: 6))
  }

  @Test(arguments: 0..<40)
  func randomTextNeverCrashes(_ seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    let pieces = [
      "a: ", "- ", "[", "]", "{", "}", "\n", "  ", "\"", "'", "*a", "&a ", "<<: ", "|\n", "!!int ", "#", ": ", ",",
      "? ",
      "---\n", "%", "\t", "ä", "\u{0}", "0x1F", "!!str ", "...", "\r",
    ]
    for _ in 0..<200 {
      var bytes: [UInt8] = []
      for _ in 0..<random.next(below: 40) { bytes += pieces[random.next(below: pieces.count)].utf8 }
      if random.next(below: 4) == 0, !bytes.isEmpty {
        bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
      }
      let error = fault(bytes)
      if let error { #expect(error.mark.line >= 1 && error.mark.column >= 1, "\(bytes)") }
    }
  }
}

/// A small seeded generator.
private struct SplitMix {
  var state: UInt64

  mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
  }
}
