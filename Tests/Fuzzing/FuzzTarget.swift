// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Something to fuzz: where inputs come from, and what must hold for each.
public struct FuzzTarget: Sendable, CustomStringConvertible {
  /// What must hold for an input: nil when it does, else what did not.
  public typealias Check = @Sendable (_ input: [UInt8], _ random: inout SplitMix64) -> String?

  /// The name on the command line.
  public let name: String
  private let mutator: Mutator
  private let check: Check

  /// A target over the entries of some corpora.
  public init(_ name: String, corpus: [Corpus], words: [String] = [], check: @escaping Check) {
    self.init(name, seeds: corpus.flatMap(\.entries).map(\.bytes), words: words, check: check)
  }

  /// A target over inputs given here.
  public init(_ name: String, seeds: [[UInt8]], words: [String] = [], check: @escaping Check) {
    self.name = name
    mutator = Mutator(corpus: seeds, words: words)
    self.check = check
  }

  /// The name.
  public var description: String { name }

  /// Runs iterations, whose seeds count up from `seed`, until one fails. A failure's seed alone gives its input again.
  /// `beforeEach` is told each seed, so that one that crashes the process can be found.
  public func run(seed: UInt64, iterations: Int, beforeEach: ((UInt64) -> Void)? = nil) -> FuzzFailure? {
    for iteration in 0..<max(0, iterations) {
      let own = seed &+ UInt64(iteration)
      beforeEach?(own)
      var random = SplitMix64(seed: own)
      let input = mutator.input(&random)
      if let complaint = check(input, &random) {
        return FuzzFailure(target: name, seed: own, input: input, complaint: complaint)
      }
    }
    return nil
  }

  /// Holds one input to the check: for the corpus as it is, and for inputs that once failed.
  public func complaint(about input: [UInt8], seed: UInt64 = 0) -> String? {
    var random = SplitMix64(seed: seed)
    return check(input, &random)
  }
}
