// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Who makes a request, as far as that was proven.
public struct Caller: Sendable, Hashable {
  /// The user's name; nil for whoever did not log in.
  public let name: String?
  /// The groups that the user is in.
  public let groups: Set<String>
  /// Whether the request carried credentials: also true of an anonymous caller with a token.
  public let hasCredentials: Bool

  /// A user.
  public init(name: String, groups: Set<String> = []) {
    self.init(name: name, groups: groups, hasCredentials: true)
  }

  /// Somebody without a name.
  public static var anonymous: Caller { Caller(name: nil, groups: [], hasCredentials: false) }

  /// Somebody without a name, who asked for a token before.
  static var anonymousWithToken: Caller { Caller(name: nil, groups: [], hasCredentials: true) }

  private init(name: String?, groups: Set<String>, hasCredentials: Bool) {
    self.name = name
    self.groups = groups
    self.hasCredentials = hasCredentials
  }
}
