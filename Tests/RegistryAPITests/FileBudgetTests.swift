// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryTestKit
import GantryWorld
import Testing

@testable import GantryRegistryAPI

/// How many files are open for answers that nobody takes.
@Suite struct FileBudgetTests {
  /// Three files of a simulated disk.
  private static func files() throws -> [any OpenFile] {
    let disk = SimulatedWorld(seed: 1).world.files
    return try (0..<3).map { try disk.open("/\($0)", .create(mode: 0o600)) }
  }

  private static func id(_ number: UInt64) -> RequestID { RequestID(high: 1, low: number) }

  @Test("Files are counted once, however many answers share one, and no more are opened than there is room for")
  func sharing() throws {
    let files = try Self.files()
    let budget = FileBudget(filesMax: 2)
    for number in 0..<50 as Range<UInt64> { #expect(budget.take(.file(files[0], 0..<1), for: Self.id(number))) }
    #expect(budget.reserve(for: Self.id(50), isShort: false) && !budget.reserve(for: Self.id(51), isShort: false))
    // The place that is kept is nobody else's.
    #expect(!budget.take(.file(files[2], 0..<1), for: Self.id(52)))
    let pieces = ResponseBody.pieces([.bytes([1]), .file(files[1], 0..<1), .file(files[1], 2..<3)])
    #expect(budget.take(pieces, for: Self.id(50)))
    #expect(budget.take(.bytes([1]), for: Self.id(52)) && budget.take(.empty, for: Self.id(53)))
    #expect(!budget.take(.file(files[2], 0..<1), for: Self.id(54)))
    for number in 0..<49 as Range<UInt64> { budget.giveBack(Self.id(number)) }
    #expect(!budget.take(.file(files[2], 0..<1), for: Self.id(54)), "one of fifty is left")
    budget.giveBack(Self.id(49))
    budget.giveBack(Self.id(49))
    #expect(budget.take(.file(files[2], 0..<1), for: Self.id(54)) && !budget.reserve(for: Self.id(55), isShort: false))
    for number in 50..<56 as Range<UInt64> { budget.giveBack(Self.id(number)) }
    #expect(budget.reserve(for: Self.id(60), isShort: false) && budget.reserve(for: Self.id(61), isShort: false))
  }

  @Test("Beyond it a blob is refused for a while; whoever asks whether it is there is answered, and so is what is hot")
  func refusal() {
    var settings = APISettings(secret: Bench.secret)
    settings.answerFilesMax = 0
    let bench = Bench(settings: settings)
    let digest = bench.pushBlob([1, 2, 3], to: "a")
    let refused = bench.send("GET", "/v2/a/blobs/\(digest)")
    #expect(refused.status == 503 && refused.code == "UNAVAILABLE" && refused["Retry-After"] == "5", "\(refused.text)")
    #expect(bench.send("HEAD", "/v2/a/blobs/\(digest)").status == 200)
    #expect(bench.send("GET", "/v2/a/blobs/\(digest)").body == [1, 2, 3])
    #expect(bench.send("GET", "/v2/a/blobs/\(Bench.digest(of: [9]))").status == 503)
  }

  @Test("Other spellings of a path are answered, and not remembered") func spellings() {
    let bench = Bench()
    let digest = bench.pushBlob([1, 2, 3], to: "a")
    let manifest = bench.pushImage(to: "a")
    for target in ["/v2/%61/blobs/\(digest)", "/v2/%61/manifests/latest", "/v2/a/manifests/%6Catest"] {
      for _ in 0..<2 {
        #expect(bench.send("GET", target).status == 200)
        #expect(!bench.wasAnsweredAtOnce, "\(target)")
      }
    }
    for target in ["/v2/a/blobs/\(digest)", "/v2/a/manifests/\(manifest.digest)"] {
      #expect(bench.send("GET", target).status == 200)
      #expect(bench.send("GET", target).status == 200 && bench.wasAnsweredAtOnce)
    }
  }
}
