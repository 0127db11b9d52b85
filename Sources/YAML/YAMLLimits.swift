// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a YAML text may cost before it is refused.
public struct YAMLLimits: Sendable, Equatable {
  /// Bytes of the text. Default 1 MiB: a hundred times the largest configuration we know.
  public var bytesMax: Int
  /// Collections inside each other. Default 64: the deepest documented key has 6.
  public var depthMax: Int
  /// Nodes of the tree, where an alias counts as many as the node it repeats. Default 50 000: a text that multiplies
  /// itself through aliases ends here.
  public var nodesMax: Int

  /// Makes limits; the defaults fit configuration files.
  public init(bytesMax: Int = 1 << 20, depthMax: Int = 64, nodesMax: Int = 50_000) {
    self.bytesMax = bytesMax
    self.depthMax = depthMax
    self.nodesMax = nodesMax
  }
}
