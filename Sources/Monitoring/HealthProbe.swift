// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One look at something that the registry depends on.
public protocol HealthProbe: Sendable {
  /// Looks once; nil when all is well, else what is wrong, for a person. May take for ever, where what it looks at
  /// does: whoever asks has patience for so long, and never asks twice at a time.
  func look() async -> String?

  /// Ends a look under way, soon.
  func cancel() async
}

extension HealthProbe {
  /// Most looks end by themselves soon enough.
  public func cancel() async {}
}
