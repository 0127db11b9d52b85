// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A pattern of names with wildcards: `*` stands for any characters but `/`, `**` for any characters, `?` for one
/// character but `/`; everything else stands for itself. The whole name must match.
///
/// Matched in time linear in the name for a given pattern, like ``Pattern``.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
  private enum Token: Hashable {
    case byte(UInt8)
    /// One byte but `/`.
    case one
    /// Bytes but `/`.
    case segment
    /// Bytes.
    case any
  }

  /// The pattern as it was written.
  public let description: String
  private let tokens: [Token]
  /// How many tokens at the beginning are bytes.
  private let literalCount: Int

  /// The longest pattern, in bytes.
  public static var bytesMax: Int { 512 }

  /// Reads a pattern. Only characters of repository names and tags may stand for themselves, so that nobody takes a
  /// regular expression or a list in braces for one.
  public init(_ text: String) throws(GlobError) {
    guard !text.isEmpty else { throw .empty }
    guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
    var tokens: [Token] = []
    for scalar in text.unicodeScalars {
      switch scalar {
      case "*":
        if tokens.last == .any { throw .tooManyStars }
        if tokens.last == .segment { tokens[tokens.count - 1] = .any } else { tokens.append(.segment) }
      case "?": tokens.append(.one)
      case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-", "/": tokens.append(.byte(UInt8(scalar.value)))
      default: throw .unknownCharacter(Character(scalar))
      }
    }
    description = text
    self.tokens = tokens
    literalCount = tokens.prefix { if case .byte = $0 { true } else { false } }.count
  }

  /// The pattern that matches every name.
  public static var everything: Glob { Glob(tokens: [.any], text: "**") }

  private init(tokens: [Token], text: String) {
    description = text
    self.tokens = tokens
    literalCount = 0
  }

  /// Whether the whole name matches.
  public func matches(_ name: String) -> Bool {
    if tokens == [.any] { return true }
    var name = name
    return name.withUTF8 { name in
      guard name.count >= literalCount else { return false }
      for index in 0..<literalCount where tokens[index] != .byte(name[index]) { return false }
      if literalCount == tokens.count { return name.count == literalCount }
      return matches(name, from: literalCount)
    }
  }

  /// Follows all ways through the tokens side by side; `reached[i]` says that the first `i` tokens can have matched.
  private func matches(_ name: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    var reached = [Bool](repeating: false, count: tokens.count + 1)
    reached[start] = true
    skipEmpty(&reached)
    for index in start..<name.count {
      let byte = name[index]
      var next = [Bool](repeating: false, count: tokens.count + 1)
      for place in 0..<tokens.count where reached[place] {
        switch tokens[place] {
        case .byte(let wanted): if byte == wanted { next[place + 1] = true }
        case .one: if byte != UInt8(ascii: "/") { next[place + 1] = true }
        case .segment: if byte != UInt8(ascii: "/") { next[place] = true }
        case .any: next[place] = true
        }
      }
      skipEmpty(&next)
      reached = next
    }
    return reached[tokens.count]
  }

  /// A star may also stand for nothing.
  private func skipEmpty(_ reached: inout [Bool]) {
    for place in 0..<tokens.count where reached[place] && (tokens[place] == .segment || tokens[place] == .any) {
      reached[place + 1] = true
    }
  }
}
