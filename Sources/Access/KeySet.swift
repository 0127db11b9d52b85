// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

/// A file that is a JSON Web Key Set (RFC 7517).
///
/// A class, so that a file that was read again is told from one that was not.
final class KeySet: LineContent {
  /// The most keys that are read.
  static let keysMax = 1000

  /// The keys that can be used.
  let keys: [SigningKey]
  let faults: [LineFault]
  /// Why the whole file says nothing; nil when it is a set of keys.
  let flaw: String?

  init(parsing bytes: [UInt8]) {
    var keys: [SigningKey] = []
    var faults: [LineFault] = []
    do throws(TokenFault) {
      for (index, element) in try Self.elements(of: bytes).enumerated() {
        do throws(TokenFault) {
          if let key = try SigningKey(element) { keys.append(key) }
        } catch {
          faults.append(LineFault(line: 1, reason: "keys[\(index)]: \(Self.reason(error))"))
        }
      }
      flaw = nil
    } catch {
      flaw = Self.reason(error)
    }
    self.keys = keys
    self.faults = faults
  }

  private static func elements(of bytes: [UInt8]) throws(TokenFault) -> [JSONValue] {
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes, depthMax: 16, valuesMax: 100_000) } catch {
      throw .member("it is no JSON: \(error)")
    }
    guard case .array(let elements) = try JSONMembers(value, "the file").value("keys") else {
      throw .member("it has no list \"keys\"")
    }
    guard elements.count <= keysMax else { throw .member("it has more than \(keysMax) keys") }
    return elements
  }

  private static func reason(_ fault: TokenFault) -> String {
    if case .member(let text) = fault { text } else { fault.description }
  }
}
