// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// An expression as instructions, and the machine that runs all its ways side by side.
struct PatternProgram: Sendable, Hashable {
  private enum Instruction: Sendable, Hashable {
    case one(ScalarSet)
    case assertion(PatternNode.Assertion)
    case split(Int, Int)
    case jump(Int)
    case match
  }

  private var instructions: [Instruction] = []
  /// Nodes compiled so far, counted because a repetition of nothing adds no instruction.
  private var nodes = 0

  /// The time of a match is the length of the text times this, at worst.
  private static let instructionsMax = 2000
  private static let nodesMax = 20_000

  init(_ node: PatternNode) throws(PatternError) {
    try compile(node)
    try emit(.match)
  }

  private mutating func emit(_ instruction: Instruction) throws(PatternError) {
    guard instructions.count < Self.instructionsMax else { throw .tooLarge }
    instructions.append(instruction)
  }

  private mutating func compile(_ node: PatternNode) throws(PatternError) {
    nodes += 1
    guard nodes <= Self.nodesMax else { throw .tooLarge }
    switch node {
    case .one(let set): try emit(.one(set))
    case .assertion(let assertion): try emit(.assertion(assertion))
    case .sequence(let parts): for part in parts { try compile(part) }
    case .choice(let ways): try compile(ways)
    case .repetition(let body, let least, let most):
      for _ in 0..<least { try compile(body) }
      guard let most else { return try compileLoop(body) }
      for _ in least..<most { try compileOption(body) }
    }
  }

  private mutating func compile(_ ways: [PatternNode]) throws(PatternError) {
    var jumps: [Int] = []
    for way in ways.dropLast() {
      let split = instructions.count
      try emit(.split(split + 1, 0))
      try compile(way)
      jumps.append(instructions.count)
      try emit(.jump(0))
      instructions[split] = .split(split + 1, instructions.count)
    }
    if let last = ways.last { try compile(last) }
    for jump in jumps { instructions[jump] = .jump(instructions.count) }
  }

  private mutating func compileLoop(_ body: PatternNode) throws(PatternError) {
    let split = instructions.count
    try emit(.split(split + 1, 0))
    try compile(body)
    try emit(.jump(split))
    instructions[split] = .split(split + 1, instructions.count)
  }

  private mutating func compileOption(_ body: PatternNode) throws(PatternError) {
    let split = instructions.count
    try emit(.split(split + 1, 0))
    try compile(body)
    instructions[split] = .split(split + 1, instructions.count)
  }

  // MARK: Running

  /// Whether the program matches somewhere in the text.
  func matches(_ text: String.UnicodeScalarView) -> Bool {
    var ways = Ways(count: instructions.count)
    var next = Ways(count: instructions.count)
    var before: UInt32?
    var rest = text.makeIterator()
    var scalar = rest.next()?.value
    while true {
      // A match may begin anywhere.
      if follow(from: 0, between: before, and: scalar, into: &ways) { return true }
      guard let value = scalar else { return false }
      let after = rest.next()?.value
      for place in ways.places {
        guard case .one(let set) = instructions[place], set.contains(value) else { continue }
        if follow(from: place + 1, between: value, and: after, into: &next) { return true }
      }
      swap(&ways, &next)
      next.removeAll()
      (before, scalar) = (value, after)
    }
  }

  /// Adds every instruction that is reached without taking a scalar; true when one of them is the match.
  private func follow(from start: Int, between before: UInt32?, and after: UInt32?, into ways: inout Ways) -> Bool {
    var open = [start]
    while let place = open.popLast() {
      guard ways.insert(place) else { continue }
      switch instructions[place] {
      case .match: return true
      case .jump(let target): open.append(target)
      case .split(let first, let second): open += [second, first]
      case .assertion(let assertion):
        if Self.holds(assertion, between: before, and: after) { open.append(place + 1) }
      case .one: break
      }
    }
    return false
  }

  private static func holds(_ assertion: PatternNode.Assertion, between before: UInt32?, and after: UInt32?) -> Bool {
    func isWord(_ value: UInt32?) -> Bool { value.map(ScalarSet.word.contains) ?? false }
    return switch assertion {
    case .textStart: before == nil
    case .textEnd: after == nil
    case .lineStart: before == nil || before == 0x0A
    case .lineEnd: after == nil || after == 0x0A
    case .wordEdge: isWord(before) != isWord(after)
    case .noWordEdge: isWord(before) == isWord(after)
    }
  }

  /// The instructions that are reached at one place of the text, each once.
  private struct Ways {
    private(set) var places: [Int] = []
    private var isReached: [Bool]

    init(count: Int) {
      isReached = Array(repeating: false, count: count)
    }

    mutating func insert(_ place: Int) -> Bool {
      guard !isReached[place] else { return false }
      isReached[place] = true
      places.append(place)
      return true
    }

    mutating func removeAll() {
      for place in places { isReached[place] = false }
      places.removeAll(keepingCapacity: true)
    }
  }
}
