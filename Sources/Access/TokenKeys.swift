// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography

/// The keys that tokens may be signed with, by their names, and the roots that chains may lead to.
struct TokenKeys: Sendable {
  /// How many keys of one name are tried.
  private static let namesakesMax = 8

  let anchors: TrustAnchors?
  private let byName: [ExactName: [SigningKey]]

  init(_ bundle: CertificateBundle?, _ keySet: KeySet?) {
    anchors = bundle?.anchors
    var byName: [ExactName: [SigningKey]] = [:]
    // The key set first: its names are those that somebody chose.
    for key in (keySet?.keys ?? []) + (bundle?.keys ?? []) {
      for name in Set(key.names.map(ExactName.init)) where byName[name, default: []].count < Self.namesakesMax {
        byName[name, default: []].append(key)
      }
    }
    self.byName = byName
  }

  var isEmpty: Bool { byName.isEmpty }

  /// The keys of this name.
  func keys(named name: String) -> [SigningKey] { byName[ExactName(name)] ?? [] }

  /// The trusted keys that are this one.
  func keys(equalTo key: PublicKey) -> [SigningKey] {
    keys(named: KeyNames.thumbprint(of: key)).filter { candidate in
      if case .publicKey(let own) = candidate.form { own.material == key.material } else { false }
    }
  }
}
