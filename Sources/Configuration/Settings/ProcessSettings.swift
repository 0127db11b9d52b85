// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `process` section: what the process gives up once it has what it needs.
public struct ProcessSettings: Sendable, Equatable {
  /// `user`: a name or a number; nil: the process stays who it is.
  public var user: String?
  /// `group`: a name or a number; nil: the user's own.
  public var group: String?

  /// Makes the section.
  public init(user: String? = nil, group: String? = nil) {
    self.user = user
    self.group = group
  }
}
