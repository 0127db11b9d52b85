// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// One clause of what the registry owes: its id in docs/HTTP_API.md, what it says in short, and how it is tried.
struct Clause: Sendable {
  let id: String
  let text: String
  /// Whether a digest is involved, so that the clause is tried with each algorithm.
  let hasDigest: Bool
  let run: @Sendable (Bench) throws -> Void

  init(_ id: String, _ text: String, digest hasDigest: Bool = true, run: @escaping @Sendable (Bench) throws -> Void) {
    self.id = id
    self.text = text
    self.hasDigest = hasDigest
    self.run = run
  }
}

/// A clause with the algorithm that it is tried with.
struct ClauseCase: Sendable, CustomTestStringConvertible {
  let clause: Clause
  let algorithm: Algorithm

  var testDescription: String { "\(clause.id) \(clause.text)" + (clause.hasDigest ? " (\(algorithm))" : "") }

  static func all(_ clauses: [Clause]) -> [ClauseCase] {
    clauses.flatMap { clause in
      (clause.hasDigest ? Algorithm.allCases : [.sha256]).map { ClauseCase(clause: clause, algorithm: $0) }
    }
  }
}

@Suite("Every clause of the specification", .serialized, .served())
struct ClauseTests {
  private static let clauses =
    Clause.general + Clause.blobs + Clause.manifests + Clause.uploads + Clause.manifestPushes + Clause.tagLists
    + Clause.deletions + Clause.referrers

  @Test("The clause holds", arguments: ClauseCase.all(clauses))
  func clause(_ tried: ClauseCase) throws {
    try tried.clause.run(Bench(tried.clause.id, tried.algorithm))
  }

  @Test("No clause is missing from the table")
  func complete() {
    let ids = [
      "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "1.1", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1",
      "3.2", "3.3", "3.4", "3.5", "4.1", "4.2", "4.3", "4.4", "5.1", "5.2", "5.3", "5.4", "5.5", "6.1", "6.2", "6.3",
      "6.4", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8", "7.9", "8.1", "8.2", "8.3", "8.4", "8.5", "9.1",
      "9.2", "9.3", "10.1", "11.1", "11.2", "11.3", "12.1", "12.2", "12.3", "12.4", "12.5", "12.6", "13.1", "14.1",
      "P1", "R0",
    ]
    #expect(Set(ids) == Set(Self.clauses.map(\.id)))
    #expect(Self.clauses.count == Set(Self.clauses.map(\.id)).count, "an id stands twice")
  }
}

@Suite("What Distribution's clients rely on", .serialized, .served())
struct DistributionTests {
  @Test("The behaviour holds", arguments: ClauseCase.all(Clause.distribution + Clause.urlBuilding))
  func clause(_ tried: ClauseCase) throws {
    try tried.clause.run(Bench(tried.clause.id, tried.algorithm))
  }
}

@Suite("Better than Distribution", .serialized, .served())
struct BetterTests {
  @Test("The improvement holds", arguments: ClauseCase.all(Clause.better))
  func clause(_ tried: ClauseCase) throws {
    try tried.clause.run(Bench(tried.clause.id, tried.algorithm))
  }
}
