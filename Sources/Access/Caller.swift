// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Who makes a request, as far as that was proven.
public struct Caller: Sendable, Hashable {
  /// What a request proves with who makes it.
  public enum Credentials: Sendable, Hashable {
    /// A name and a password.
    case password
    /// A token; also an anonymous caller may have one.
    case token
  }

  /// The user's name; nil for whoever did not log in.
  public let name: String?
  /// The groups that the user is in, each once.
  public let groups: [String]
  /// What the request carried, and was found right; nil: nothing.
  public let credentials: Credentials?
  /// What the token allows, where somebody else gives out the tokens; nil: there is none, and the rules alone say.
  public let grants: TokenGrants?
  /// The names that the connection's certificate proves, by an authority that is trusted.
  public private(set) var certificateNames: [String] = []

  /// A user.
  public init(name: String, groups: [String] = [], credentials: Credentials = .password) {
    self.init(named: name, groups, credentials, nil)
  }

  /// Somebody without a name.
  public static var anonymous: Caller { Caller(named: nil, [], nil, nil) }

  /// Somebody without a name, who asked for a token before.
  static var anonymousWithToken: Caller { Caller(named: nil, [], .token, nil) }

  /// The same caller, on a connection whose certificate proves these names.
  public func certified(_ names: [String]) -> Caller {
    var caller = self
    caller.certificateNames = names
    return caller
  }

  /// Whom somebody else's token names, if it names anybody.
  init(name: String?, groups: [String], grants: TokenGrants) {
    self.init(named: name, groups, .token, grants)
  }

  private init(named name: String?, _ groups: [String], _ credentials: Credentials?, _ grants: TokenGrants?) {
    self.grants = grants
    self.name = name
    self.groups = groups
    self.credentials = credentials
  }
}
