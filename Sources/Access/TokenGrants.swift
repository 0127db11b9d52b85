// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

/// What a token allows, by its claim `access`.
public struct TokenGrants: Sendable, Hashable {
  /// The words of actions that mean something here.
  struct Actions: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    static let pull = Actions(rawValue: 1)
    static let push = Actions(rawValue: 2)
    static let delete = Actions(rawValue: 4)
    /// `*`, which stands for every action.
    static let all = Actions(rawValue: 8)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The action of this name; none for a name that means nothing here.
    init(_ name: String) {
      switch name {
      case "pull": self = .pull
      case "push": self = .push
      case "delete": self = .delete
      case "*": self = .all
      default: self = []
      }
    }
  }

  private var repositories: [ExactName: Actions] = [:]
  private var catalog: Actions = []

  /// Nothing.
  init() {}

  /// Reads the claim: a list of type, name and actions. What is of another type is passed over.
  init(_ claim: JSONValue?) throws(TokenFault) {
    guard let claim else { return }
    guard case .array(let elements) = claim else { throw .member("access is no list") }
    for element in elements {
      let members = try JSONMembers(element, "an element of access")
      let (type, name) = (try members.text("type") ?? "", try members.text("name") ?? "")
      _ = try members.text("class")
      let actions = try members.texts("actions") ?? []
      let granted = actions.reduce(into: Actions()) { $0.formUnion(Actions($1)) }
      switch (type, name) {
      case ("repository", _): repositories[ExactName(name), default: []].formUnion(granted)
      case ("registry", "catalog"): catalog.formUnion(granted)
      default: break
      }
    }
  }

  /// Whether it speaks of any repository.
  var nameRepositories: Bool { !repositories.isEmpty }

  /// Whether all these actions are allowed on the repository.
  func allow(_ actions: Actions, on repository: RepositoryName) -> Bool {
    guard let granted = repositories[ExactName(repository.description)] else { return false }
    return granted.contains(.all) || granted.isSuperset(of: actions)
  }

  /// Whether the catalog is allowed, which takes every action on it, as in Distribution.
  var allowCatalog: Bool { catalog.contains(.all) }
}
