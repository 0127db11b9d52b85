// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What an expression says, as a tree.
indirect enum PatternNode {
  /// A place between two scalars.
  enum Assertion: Sendable, Hashable {
    case textStart, textEnd, lineStart, lineEnd, wordEdge, noWordEdge
  }

  case one(ScalarSet)
  case assertion(Assertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  /// `most` nil: any number. Greedy or lazy is the same here, because nobody asks where a match ends.
  case repetition(PatternNode, least: Int, most: Int?)
}
