// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Reads RE2's syntax, by recursive descent over the scalars of a bounded text.
struct PatternParser {
  private struct Flags {
    var foldsCase = false
    var isMultiline = false
    var dotTakesLineFeed = false
  }

  private let text: [Unicode.Scalar]
  private var index = 0
  private var flags = Flags()
  private var depth = 0
  /// Between `\Q` and `\E`, where every scalar stands for itself.
  private var isQuoting = false

  private static let depthMax = 100
  private static let countMax = 1000

  init(_ text: String) {
    self.text = Array(text.unicodeScalars)
  }

  mutating func parse() throws(PatternError) -> PatternNode {
    let node = try choice()
    guard index == text.count else { throw .unbalancedParenthesis }
    return node
  }

  // MARK: Scalars

  private var peek: Unicode.Scalar? { index < text.count ? text[index] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    index += 1
    return true
  }

  private mutating func next() -> Unicode.Scalar? {
    guard let scalar = peek else { return nil }
    index += 1
    return scalar
  }

  // MARK: Structure

  private mutating func choice() throws(PatternError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthMax else { throw .tooLarge }
    var ways = [try sequence()]
    while take("|") { ways.append(try sequence()) }
    return ways.count == 1 ? ways[0] : .choice(ways)
  }

  private mutating func sequence() throws(PatternError) -> PatternNode {
    var parts: [PatternNode] = []
    while let scalar = peek, isQuoting || (scalar != "|" && scalar != ")") {
      guard let atom = try atom() else { continue }
      parts.append(try repeated(atom))
    }
    return .sequence(parts)
  }

  private mutating func repeated(_ atom: PatternNode) throws(PatternError) -> PatternNode {
    if isQuoting, peek == "\\", index + 1 < text.count, text[index + 1] == "E" {
      index += 2
      isQuoting = false
    }
    guard !isQuoting, let (least, most) = try counts() else { return atom }
    _ = take("?")  // lazy
    let end = index
    if try counts() != nil { throw .nothingToRepeat }
    index = end
    return .repetition(atom, least: least, most: most)
  }

  /// What a repetition at this place asks for; nil, and nothing taken, when there is none.
  private mutating func counts() throws(PatternError) -> (least: Int, most: Int?)? {
    switch peek {
    case "*":
      index += 1
      return (0, nil)
    case "+":
      index += 1
      return (1, nil)
    case "?":
      index += 1
      return (0, 1)
    case "{":
      let start = index
      index += 1
      // As in RE2, braces that hold no count stand for themselves.
      guard let (least, most) = braced() else {
        index = start
        return nil
      }
      guard least <= Self.countMax, most ?? least <= Self.countMax, most ?? least >= least else {
        throw .repetitionOutOfRange
      }
      return (least, most)
    default: return nil
    }
  }

  private mutating func braced() -> (least: Int, most: Int?)? {
    guard let least = number() else { return nil }
    guard take(",") else { return take("}") ? (least, least) : nil }
    if take("}") { return (least, nil) }
    guard let most = number(), take("}") else { return nil }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = peek, (0x30...0x39).contains(scalar.value) {
      value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), 1_000_000)
      index += 1
    }
    return value
  }

  /// One thing that can be repeated; nil for `(?i)`, `\Q` and `\E`, which only change what follows.
  private mutating func atom() throws(PatternError) -> PatternNode? {
    guard let scalar = next() else { return nil }
    if isQuoting {
      guard scalar == "\\", take("E") else { return literal(scalar) }
      isQuoting = false
      return nil
    }
    switch scalar {
    case "(": return try group()
    case "[": return .one(try characterClass())
    case ".": return .one(flags.dotTakesLineFeed ? .any : .anyButLineFeed)
    case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
    case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
    case "*", "+", "?": throw .nothingToRepeat
    case "\\": return try escape()
    default: return literal(scalar)
    }
  }

  private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
    .one(flags.foldsCase ? ScalarSet(scalar).folded : ScalarSet(scalar))
  }

  private mutating func group() throws(PatternError) -> PatternNode? {
    let outer = flags
    if take("?") {
      if take("P") || peek == "<" {
        guard take("<") else { throw .unknownGroup }
        var length = 0
        while let scalar = next(), scalar != ">" {
          guard ScalarSet.word.contains(scalar.value) else { throw .unknownGroup }
          length += 1
        }
        guard length > 0 else { throw .unknownGroup }
      } else if try takeFlags() {
        return nil
      }
    }
    let node = try choice()
    guard take(")") else { throw .unbalancedParenthesis }
    flags = outer
    return node
  }

  /// Reads `i`, `m`, `s`, `U` and `-` up to `:` (false) or `)` (true: they hold until the group around ends).
  private mutating func takeFlags() throws(PatternError) -> Bool {
    var value = true
    while let scalar = next() {
      switch scalar {
      case "i": flags.foldsCase = value
      case "m": flags.isMultiline = value
      case "s": flags.dotTakesLineFeed = value
      case "U": break  // swaps greedy and lazy
      case "-" where value: value = false
      case ":": return false
      case ")": return true
      default: throw .unknownGroup
      }
    }
    throw .unbalancedParenthesis
  }

  // MARK: Escapes and classes

  private mutating func escape() throws(PatternError) -> PatternNode? {
    switch peek {
    case "A":
      index += 1
      return .assertion(.textStart)
    case "z":
      index += 1
      return .assertion(.textEnd)
    case "b":
      index += 1
      return .assertion(.wordEdge)
    case "B":
      index += 1
      return .assertion(.noWordEdge)
    case "Q":
      index += 1
      isQuoting = true
      return nil
    default:
      if let set = perlClass() { return .one(set) }
      return literal(try escapedScalar())
    }
  }

  private mutating func perlClass() -> ScalarSet? {
    let sets: [Unicode.Scalar: ScalarSet] = [
      "d": .digits, "D": ScalarSet.digits.inverted, "s": .space, "S": ScalarSet.space.inverted, "w": .word,
      "W": ScalarSet.word.inverted,
    ]
    guard let set = peek.flatMap({ sets[$0] }) else { return nil }
    index += 1
    return set
  }

  private mutating func escapedScalar() throws(PatternError) -> Unicode.Scalar {
    guard let scalar = next() else { throw .unknownEscape("") }
    switch scalar {
    case "a": return "\u{07}"
    case "f": return "\u{0C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "v": return "\u{0B}"
    case "x": return try hexadecimal()
    case _ where scalar.value < 0x80 && !ScalarSet.word.contains(scalar.value), "_": return scalar
    default: throw .unknownEscape(String(scalar))
    }
  }

  private mutating func hexadecimal() throws(PatternError) -> Unicode.Scalar {
    let isBraced = take("{")
    var digits = ""
    while let scalar = peek, isBraced ? scalar != "}" : digits.count < 2 {
      digits.unicodeScalars.append(scalar)
      index += 1
    }
    guard !digits.isEmpty, digits.count <= 6, isBraced ? take("}") : digits.count == 2, !digits.hasPrefix("+"),
      let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
    else { throw .unknownEscape("x") }
    return scalar
  }

  private mutating func characterClass() throws(PatternError) -> ScalarSet {
    let isNegated = take("^")
    var set = ScalarSet()
    var isFirst = true
    while true {
      guard let scalar = peek else { throw .unclosedClass }
      if scalar == "]", !isFirst { break }
      isFirst = false
      if let named = try namedClass() {
        set.formUnion(named)
        continue
      }
      if scalar == "\\" {
        index += 1
        if let perl = perlClass() {
          set.formUnion(perl)
          continue
        }
        index -= 1
      }
      let low = try classScalar()
      var high = low
      if peek == "-", index + 1 < text.count, text[index + 1] != "]" {
        index += 1
        high = try classScalar()
      }
      guard low <= high else { throw .emptyRange }
      set.formUnion(ScalarSet(low.value...high.value))
    }
    index += 1
    if flags.foldsCase { set = set.folded }
    return isNegated ? set.inverted : set
  }

  private mutating func classScalar() throws(PatternError) -> Unicode.Scalar {
    guard let scalar = next() else { throw .unclosedClass }
    return scalar == "\\" ? try escapedScalar() : scalar
  }

  /// `[:alpha:]` or `[:^alpha:]` inside a class; nil, and nothing taken, when this is something else.
  private mutating func namedClass() throws(PatternError) -> ScalarSet? {
    guard peek == "[", index + 1 < text.count, text[index + 1] == ":" else { return nil }
    guard let end = text[(index + 2)...].indices.first(where: { text[$0] == "]" && text[$0 - 1] == ":" }),
      end > index + 3
    else { return nil }
    var name = String(String.UnicodeScalarView(text[(index + 2)..<(end - 1)]))
    let isNegated = name.hasPrefix("^")
    if isNegated { name.removeFirst() }
    guard let set = ScalarSet.named[name] else { throw .unknownClass(name) }
    index = end + 1
    return isNegated ? set.inverted : set
  }
}
