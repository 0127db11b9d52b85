// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `access` section: who may do what.
public struct AccessSettings: Sendable, Equatable {
  /// Whom a rule speaks of.
  public enum Subject: Sendable, Equatable, CustomStringConvertible {
    /// `anonymous`: everybody, logged in or not.
    case anonymous
    /// `users`: everybody who has logged in.
    case users
    /// `user:NAME`.
    case user(String)
    /// `group:NAME`.
    case group(String)
    /// `certificates`: everybody with a client certificate that was verified.
    case certificates
    /// `certificate:NAME`.
    case certificate(String)

    /// As it is written in a file.
    public var description: String {
      switch self {
      case .anonymous: "anonymous"
      case .users: "users"
      case .user(let name): "user:\(name)"
      case .group(let name): "group:\(name)"
      case .certificates: "certificates"
      case .certificate(let name): "certificate:\(name)"
      }
    }

    /// Reads what ``description`` writes; nil for anything else.
    public init?(_ text: String) {
      switch text {
      case "anonymous": self = .anonymous
      case "users": self = .users
      case _ where text.hasPrefix("user:") && text.utf8.count > 5: self = .user(String(text.dropFirst(5)))
      case _ where text.hasPrefix("group:") && text.utf8.count > 6: self = .group(String(text.dropFirst(6)))
      case "certificates": self = .certificates
      case _ where text.hasPrefix("certificate:") && text.utf8.count > 12:
        self = .certificate(String(text.dropFirst(12)))
      default: return nil
      }
    }
  }

  /// What a rule grants.
  public enum Action: String, Sendable, CaseIterable {
    case pull, push, delete, catalog
  }

  /// One element of `access.rules`.
  public enum Rule: Sendable, Equatable {
    /// Grants the actions to the subjects on repositories that match one of the patterns.
    case grant(who: [Subject], actions: [Action], repositories: [String])
    /// Tags that match one of the patterns, in repositories that match one, are never moved or removed once they are
    /// set.
    case immutableTags(tags: [String], repositories: [String])
  }

  /// The rules in the order of the file.
  public var rules: [Rule]
  /// `access.groupfile`: the file that says who is in which group; nil: nobody is in any.
  public var groupFile: String?

  /// Whether there is the section at all: then what no rule grants nobody may do, even where there is no rule. Without
  /// it whoever is let in may do everything.
  public var isPresent: Bool

  /// Makes the section, which is present unless it says nothing; patterns are the caller's responsibility here, the
  /// loader checks them.
  public init(rules: [Rule] = [], groupFile: String? = nil, isPresent: Bool? = nil) {
    self.rules = rules
    self.groupFile = groupFile
    self.isPresent = isPresent ?? (!rules.isEmpty || groupFile != nil)
  }

  /// Whether what no rule grants is denied.
  public var isInForce: Bool { isPresent || !rules.isEmpty || groupFile != nil }

  /// Whether any rule grants anything.
  public var grantsAnything: Bool {
    rules.contains { if case .grant = $0 { true } else { false } }
  }
}
