// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

@Suite struct NameTests {
  @Test(arguments: [
    "a", "0", "library/ubuntu", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a--b", "a-----b", "a.b_c__d-e/f0",
    String(repeating: "a", count: 255),
  ])
  func `G1 names that are taken`(text: String) throws {
    let name = try RepositoryName(parsing: text)
    #expect(name.description == text)
    #expect(name.components.joined(separator: "/") == text)
  }

  @Test(arguments: [
    "", "/", "a/", "/a", "a//b", "A", "aB", "a..b", "a___b", "a._b", "a-_b", "a.-b", ".a", "a.", "_a", "a_", "-a", "a-",
    "a/-b", "a/_b", "a/.b", "a./b", "..", "a/../b", "./a", "a b", "a\tb", "a\0b", "a%2fb", "a:b", "a@b", "é", "a\\b",
    "a/_layers", String(repeating: "a", count: 256),
  ])
  func `G1 names that are refused`(text: String) {
    #expect {
      try RepositoryName(parsing: text)
    } throws: { error in
      guard case .invalidRepositoryName(let reason)? = error as? NameError else { return false }
      return !reason.isEmpty
    }
  }

  @Test func `catalog order puts a slash before everything`() throws {
    let ordered = [
      "a", "a/b", "a/b/c", "a/c", "a-b", "a-b/c", "a.b", "a0", "a_b", "ab", "b",
    ]
    let names = try ordered.map { try RepositoryName(parsing: $0) }
    for (index, left) in names.enumerated() {
      for (other, right) in names.enumerated() {
        #expect((left < right) == (index < other), "\(left) against \(right)")
        #expect(RepositoryName.precedes(left.description, right.description) == (index < other))
      }
    }
    #expect(RepositoryName.precedes("a/", "a/b"))
    #expect(RepositoryName.precedes("", "a"))
    #expect(!RepositoryName.precedes("~", "zz"))
  }

  @Test(arguments: ["a", "_", "latest", "1.2.3", "V1_0-rc.1", "A", String(repeating: "x", count: 128)])
  func `G3 tags that are taken`(text: String) throws {
    #expect(try Tag(parsing: text).description == text)
  }

  @Test(arguments: [
    "", ".", "..", ".a", "-a", "a/b", "a b", "a+b", "a:b", "é", "a\n", "a\0", "a%", String(repeating: "x", count: 129),
  ])
  func `G3 tags that are refused`(text: String) {
    #expect {
      try Tag(parsing: text)
    } throws: { error in
      guard case .invalidTag(let reason)? = error as? NameError else { return false }
      return !reason.isEmpty
    }
  }

  @Test func `tags sort by bytes`() throws {
    let ordered = ["0", "1-a", "1.0", "10", "A", "Z", "_", "a", "a-", "a.", "aa", "z"]
    let tags = try ordered.map { try Tag(parsing: $0) }
    #expect(tags.reversed().sorted() == tags)
  }

  @Test func `G4 a reference says what it was meant to be`() throws {
    let digest = try Digest(parsing: "sha256:\(DigestTests.hex256)")
    #expect(try Reference(parsing: digest.description) == .digest(digest))
    #expect(try Reference(parsing: "v1") == .tag(Tag(parsing: "v1")))
    #expect(throws: ReferenceError.digest(.unsupportedAlgorithm(name: "md5"))) { try Reference(parsing: "md5:abc") }
    #expect {
      try Reference(parsing: "latest:")
    } throws: { error in
      guard case .digest(.malformed)? = error as? ReferenceError else { return false }
      return true
    }
    #expect {
      try Reference(parsing: "-x")
    } throws: { error in
      guard case .tag(.invalidTag)? = error as? ReferenceError else { return false }
      return true
    }
  }

  @Test(arguments: [
    ("0f8fad5b-d9cb-469f-a165-70867728950e", true), ("0F8FAD5B-D9CB-469F-A165-70867728950E", true), ("a", false),
    ("_-.=", false), ("...", false), ("0f8fad5b-d9cb-469f-a165-70867728950", false),
    ("0f8fad5bxd9cb-469f-a165-70867728950e", false), (String(repeating: "a", count: 128), false),
  ])
  func `upload ids that are taken`(text: String, isUUID: Bool) throws {
    let id = try UploadID(parsing: text)
    #expect(id.description == text)
    #expect(id.isUUID == isUUID)
  }

  @Test(arguments: ["", ".", "..", "a/b", "/", "a b", "a\0", "a%2e", "é", "a+b", String(repeating: "a", count: 129)])
  func `upload ids that are refused`(text: String) {
    #expect {
      try UploadID(parsing: text)
    } throws: { error in
      guard case .invalidUploadID? = error as? NameError else { return false }
      return true
    }
  }

  @Test func `made upload ids are version 4 UUIDs`() throws {
    #expect(
      UploadID(uuidBytes: [UInt8](repeating: 0xFF, count: 16)).description == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    #expect(
      UploadID(uuidBytes: [UInt8](repeating: 0, count: 16)).description == "00000000-0000-4000-8000-000000000000")
    let id = UploadID(uuidBytes: Array(0..<16))
    #expect(id.description == "00010203-0405-4607-8809-0a0b0c0d0e0f")
    #expect(id.isUUID)
    #expect(try UploadID(parsing: id.description) == id)
  }
}
