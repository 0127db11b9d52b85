// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPatterns
import Testing

/// The expected answers are those of Go's regexp package, whose syntax this is.
@Suite("Regular expressions")
struct PatternTests {
  @Test(
    "An expression matches somewhere in the text",
    arguments: [
      ("", "", true), ("", "a", true), ("a", "", false), ("b", "abc", true), ("^b", "abc", false),
      ("^a.c$", "abc", true), ("^a.c$", "a\nc", false), ("(?s)^a.c$", "a\nc", true), ("a|b|", "", true),
      ("^(a|bc)+$", "abcbca", true), ("^(a|bc)+$", "abcb", false), ("^a*?b??$", "aab", true),
      ("^a{2}$", "aa", true), ("^a{2}$", "aaa", false), ("^a{2,}$", "aaaa", true), ("^a{1,3}$", "aaaa", false),
      ("^a{0,2}$", "", true), ("a{,2}", "a{,2}", true), ("a{", "a{", true), ("^x{0}y$", "y", true),
      ("^[a-c]+$", "abcabc", true), ("^[^a-c]$", "b", false), ("^[^a-c]$", "d", true), ("^[]a]+$", "]a", true),
      ("^[a-]+$", "a-a", true), ("^[-a]+$", "-a", true), (#"^[\d.]+$"#, "10.1", true), (#"^[\]x]$"#, "]", true),
      ("^[[:alpha:][:digit:]]+$", "a1", true), ("^[[:^digit:]]+$", "a1", false), ("^[[:alpha:]]$", "é", false),
      (#"^\d\D\s\S\w\W$"#, "1a b_-", true), (#"\bcat\b"#, "a cat!", true), (#"\bcat\b"#, "concat", false),
      (#"\Bcat"#, "concat", true), (#"\Aab\z"#, "ab", true), ("(?m)^b$", "a\nb\nc", true), ("^b$", "a\nb\nc", false),
      ("(?i)ABC", "xaBcx", true), ("(?i:a)b", "Ab", true), ("(?i:a)b", "AB", false), ("(a(?i)b)c", "aBc", true),
      ("(a(?i)b)c", "aBC", false), ("(?i)[a-z]", "Q", true), ("(?i)[^a]", "A", false), ("(?i-i)a", "A", false),
      ("(?P<name>a)(?<other>b)", "ab", true), ("(?:ab)+", "abab", true), (#"^\Qa.b*\E$"#, "a.b*", true),
      (#"^\Qab\E+$"#, "abbb", true), (#"^\Qa|(\E$"#, "a|(", true), (#"^\x41\x{1F600}\n$"#, "A\u{1F600}\n", true),
      (#"^\.\*\/$"#, ".*/", true), ("é+", "caféé", true), ("^.$", "e\u{301}", false), ("(a*)*b", "b", true),
      ("(a|a)*$", "aaaa", true), ("()+", "", true),
      (#"^https?://([^/]+\.)*example\.com/"#, "https://a.b.example.com/x", true),
      (#"^https?://([^/]+\.)*example\.com/"#, "https://example.com.evil.org/x", false),
      (#"^https?://([^/]+\.)*example\.com/"#, "https://evil.org/example.com/", false),
    ])
  func match(_ expression: String, _ text: String, _ isMatch: Bool) throws {
    #expect(try Pattern(expression).matches(text) == isMatch)
  }

  @Test(
    "What is no expression is refused with its reason",
    arguments: [
      ("(", PatternError.unbalancedParenthesis), (")", .unbalancedParenthesis), ("a(b", .unbalancedParenthesis),
      ("a)b", .unbalancedParenthesis), ("(?i", .unbalancedParenthesis), ("[", .unclosedClass),
      ("[a", .unclosedClass), ("[]", .unclosedClass), ("[^]", .unclosedClass), ("[a-", .unclosedClass),
      ("[b-a]", .emptyRange), ("[[:nope:]]", .unknownClass("nope")), ("*", .nothingToRepeat), ("a|*", .nothingToRepeat),
      ("(+)", .nothingToRepeat), ("a**", .nothingToRepeat), ("a{2}{3}", .nothingToRepeat), ("(?i)*", .nothingToRepeat),
      ("a{1001}", .repetitionOutOfRange), ("a{3,2}", .repetitionOutOfRange),
      ("a{99999999999999999999999}", .repetitionOutOfRange), ("\\", .unknownEscape("")), (#"\q"#, .unknownEscape("q")),
      (#"\1"#, .unknownEscape("1")), (#"\pL"#, .unknownEscape("p")), (#"\x4"#, .unknownEscape("x")),
      (#"\x{110000}"#, .unknownEscape("x")), (#"\x{D800}"#, .unknownEscape("x")), (#"\x{+1}"#, .unknownEscape("x")),
      ("(?=a)", .unknownGroup), ("(?<=a)", .unknownGroup), ("(?<>a)", .unknownGroup), ("(?P=a)", .unknownGroup),
      ("((a{1000}){1000}){1000}", .tooLarge), ("((((){1000}){1000}){1000})", .tooLarge),
      (String(repeating: "(", count: 200) + String(repeating: ")", count: 200), .tooLarge),
      (String(repeating: "a", count: 5000), .tooLarge),
    ])
  func refusal(_ expression: String, _ reason: PatternError) {
    #expect(throws: reason) { try Pattern(expression) }
  }

  /// A matcher that goes back and tries again needs two to the power of the number of dots here.
  @Test(
    "Nothing in a text makes a match slow",
    arguments: [#"^https?://([^/]+\.)*example\.com/"#, "(a*)*$x", "(.|a|[^b])*$x", "(a?){50}(.*){9}x"])
  func time(_ expression: String) throws {
    let text = "https://" + String(repeating: "a.", count: 2000)
    #expect(try !Pattern(expression).matches(text))
  }

  @Test("Random expressions over a small alphabet agree with trying every way")
  func oracle() throws {
    var random = Seeded(state: 2026)
    for _ in 0..<3000 {
      let tree = Tree.random(depth: 3, using: &random)
      let text = String(
        (0..<Int.random(in: 0...5, using: &random)).map { _ in Bool.random(using: &random) ? "a" : "b" })
      let expected = tree.ends(of: Array(text), from: 0).contains(text.count)
      #expect(try Pattern("^(?:\(tree.text))$").matches(text) == expected, "\(tree.text) on \"\(text)\"")
    }
  }
}

/// The same numbers each time (SplitMix64).
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// An expression whose meaning is told by sets of ends: slow, and plain enough to be believed.
private indirect enum Tree {
  case letter(Character)
  case any
  case both(Tree, Tree)
  case either(Tree, Tree)
  case repeated(Tree, Int, Int?)

  static func random(depth: Int, using random: inout Seeded) -> Tree {
    switch depth == 0 ? Int.random(in: 0...2, using: &random) : Int.random(in: 0...6, using: &random) {
    case 0: return .letter("a")
    case 1: return .letter("b")
    case 2: return .any
    case 3, 4: return .both(.random(depth: depth - 1, using: &random), .random(depth: depth - 1, using: &random))
    case 5: return .either(.random(depth: depth - 1, using: &random), .random(depth: depth - 1, using: &random))
    default:
      let least = Int.random(in: 0...2, using: &random)
      return .repeated(.random(depth: depth - 1, using: &random), least, Bool.random(using: &random) ? nil : least + 1)
    }
  }

  var text: String {
    switch self {
    case .letter(let letter): String(letter)
    case .any: "."
    case .both(let first, let second): "(?:\(first.text))(?:\(second.text))"
    case .either(let first, let second): "\(first.text)|\(second.text)"
    case .repeated(let body, let least, let most): "(?:\(body.text)){\(least),\(most.map(String.init) ?? "")}"
    }
  }

  func ends(of text: [Character], from start: Int) -> Set<Int> {
    switch self {
    case .letter(let letter): return start < text.count && text[start] == letter ? [start + 1] : []
    case .any: return start < text.count ? [start + 1] : []
    case .both(let first, let second):
      return Set(first.ends(of: text, from: start).flatMap { second.ends(of: text, from: $0) })
    case .either(let first, let second):
      return first.ends(of: text, from: start).union(second.ends(of: text, from: start))
    case .repeated(let body, let least, let most):
      var reached: Set<Int> = [start]
      var ends: Set<Int> = least == 0 ? [start] : []
      for count in 1...max(1, most ?? least + text.count + 1) {
        reached = Set(reached.flatMap { body.ends(of: text, from: $0) })
        if count >= least { ends.formUnion(reached) }
      }
      return ends
    }
  }
}
