// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPatterns
import Testing

struct GlobTests {
  @Test(arguments: [
    ("**", "a/b/c", true), ("*", "a", true), ("*", "a/b", false), ("a", "a", true), ("a", "ab", false),
    ("ab", "a", false),
    ("a/*", "a/b", true), ("a/*", "a/b/c", false), ("a/*", "a", false), ("a/**", "a/b/c", true), ("a/**", "a", false),
    ("a/**", "ab/c", false), ("**/c", "a/b/c", true), ("**/c", "c", false), ("a?c", "abc", true), ("a?c", "a/c", false),
    ("*-rc*", "v1-rc2", true), ("*-rc*", "v1", false), ("v*.*", "v1.2", true), ("v*.*", "v12", false),
    ("a**b*c", "a/x/b1c", true), ("a**b*c", "a/x/b/c", false), ("V1", "v1", false), ("", "", false),
  ])
  func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
    guard !pattern.isEmpty else {
      #expect(throws: GlobError.empty) { try Glob(pattern) }
      return
    }
    #expect(try Glob(pattern).matches(name) == expected, "\(pattern) and \(name)")
  }

  @Test(arguments: [
    ("{a,b}", GlobError.unknownCharacter("{")), ("^a$", .unknownCharacter("^")), ("a b", .unknownCharacter(" ")),
    ("ä", .unknownCharacter("ä")), ("a***", .tooManyStars), (String(repeating: "a", count: 513), .tooLong),
  ])
  func refuses(_ pattern: String, _ expected: GlobError) {
    #expect(throws: expected) { try Glob(pattern) }
  }

  @Test("Many stars do not make a match slow") func stars() throws {
    let glob = try Glob(String(repeating: "*a", count: 200))
    #expect(!glob.matches(String(repeating: "a", count: 255) + "b"))
    #expect(glob.matches(String(repeating: "a", count: 255)))
  }
}
