// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
import GantryPatterns

/// The rules of a registry. What no rule grants is denied; no rule takes away what another grants, so their order means
/// nothing.
public struct AccessRules: Sendable, Hashable {
  /// The rules in the order of the configuration.
  public let rules: [AccessRule]

  /// Puts rules together.
  public init(_ rules: [AccessRule]) {
    self.rules = rules
  }

  /// The index of the first rule that grants the action on the repository; nil when none does.
  public func rule(granting action: AccessAction, to caller: Caller, on repository: RepositoryName) -> Int? {
    let name = repository.description
    return rules.firstIndex { rule in
      rule.actions.contains(action) && rule.concerns(caller) && rule.repositories.contains { $0.matches(name) }
    }
  }

  /// Whether the caller's certificate alone grants it anything.
  func grantsByCertificate(to caller: Caller) -> Bool {
    guard !caller.certificateNames.isEmpty else { return false }
    let certified = Caller.anonymous.certified(caller.certificateNames)
    return rules.contains { rule in
      !rule.actions.isEmpty && !rule.subjects.contains(.anyone) && rule.concerns(certified)
    }
  }

  /// Whether a certificate is granted anything.
  var grantsToCertificates: Bool {
    rules.contains { rule in
      !rule.actions.isEmpty
        && rule.subjects.contains { subject in
          switch subject {
          case .anyCertificate, .certificate: true
          case .anyone, .anyUser, .user, .group: false
          }
        }
    }
  }

  /// Whether it matters to any rule who has logged in.
  var speakOfUsers: Bool {
    rules.contains { rule in
      rule.subjects.contains { subject in
        switch subject {
        case .anyUser, .user, .group: true
        case .anyone, .anyCertificate, .certificate: false
        }
      }
    }
  }

  /// Whether any repository may appear in the caller's catalog.
  func grantsCatalog(to caller: Caller) -> Bool {
    rules.contains { $0.actions.contains(.catalog) && $0.concerns(caller) }
  }

  /// Whether somebody who has not logged in is granted anything.
  var grantsAnonymously: Bool {
    rules.contains { !$0.actions.isEmpty && $0.subjects.contains(.anyone) }
  }
}
