// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns

/// One grant: who may do what where.
public struct AccessRule: Sendable, Hashable {
  /// Whom a rule speaks of.
  public enum Subject: Sendable, Hashable {
    /// Everybody, logged in or not.
    case anyone
    /// Everybody who has logged in.
    case anyUser
    /// The user of this name.
    case user(String)
    /// The users of this group.
    case group(String)
    /// Everybody whose connection shows a certificate of a trusted authority.
    case anyCertificate
    /// Whose certificate has this name: its common name or one of its alternative names, byte by byte.
    case certificate(String)
  }

  /// Whom it speaks of: any of these.
  public var subjects: [Subject]
  /// Which repositories: those that match any of these.
  public var repositories: [Glob]
  /// What is granted.
  public var actions: Set<AccessAction>

  /// Makes a rule; without repositories one for all of them.
  public init(subjects: [Subject], repositories: [Glob] = [.everything], actions: Set<AccessAction>) {
    self.subjects = subjects
    self.repositories = repositories
    self.actions = actions
  }

  /// Whether it speaks of the caller.
  func concerns(_ caller: Caller) -> Bool {
    subjects.contains { subject in
      switch subject {
      case .anyone: true
      case .anyUser: caller.name != nil
      case .user(let name): caller.name?.isExactly(name) == true
      case .group(let name): caller.groups.contains { $0.isExactly(name) }
      case .anyCertificate: !caller.certificateNames.isEmpty
      case .certificate(let name): caller.certificateNames.contains { $0.isExactly(name) }
      }
    }
  }
}
