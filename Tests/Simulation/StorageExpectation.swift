// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a storage may say of each thing: what was acknowledged last, or what is being written.
struct StorageExpectation: Sendable {
  private(set) var settled: [Ledger.Key: String] = [:]
  private var pending: [Ledger.Key: String?] = [:]

  /// A write that is about to be asked for; nil: that it be gone.
  mutating func begin(_ key: Ledger.Key, _ value: String?) {
    pending.updateValue(value, forKey: key)
  }

  /// The write was acknowledged.
  mutating func settle(_ key: Ledger.Key) {
    if let value = pending.removeValue(forKey: key) { settled[key] = value }
  }

  /// What is wrong with `value`, if anything is.
  func verdict(on key: Ledger.Key, _ value: String?) -> String? {
    if value == settled[key] { return nil }
    if let written = pending[key], written == value { return nil }
    let expected = settled[key].map { "\($0.prefix(15))" } ?? "nothing"
    return "\(key) means \(value.map { "\($0.prefix(15))" } ?? "nothing"), and \(expected) was acknowledged"
  }
}
