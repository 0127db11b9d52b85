// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The members of a JSON object that are looked at, by name, with checks that name the path on failure.
///
/// Members that nobody asks for are passed over; `null` counts as absent, as Go's encoders write it for empty lists.
struct JSONFields {
  private let path: String
  /// At most one of each known name: so few that looking through them beats a dictionary.
  private var members: [JSONValue.Member] = []

  /// - Parameters:
  ///   - value: What should be an object.
  ///   - path: Where it stands; empty for the document itself.
  ///   - known: The names to look at. None may stand twice: readers would differ in which one they take.
  init(_ value: JSONValue, at path: String, known: [String]) throws(ManifestError) {
    self.path = path
    guard case .object(let members) = value else {
      throw .invalidField(path: path, reason: "must be an object, found \(value.kindName)")
    }
    for member in members where known.contains(member.name) {
      guard !self.members.contains(where: { $0.name == member.name }) else {
        throw .invalidField(path: self.path(to: member.name), reason: "appears twice")
      }
      self.members.append(member)
    }
  }

  func path(to name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// The value called `name`, unless absent or `null`.
  func value(_ name: String) -> JSONValue? {
    guard let value = members.first(where: { $0.name == name })?.value else { return nil }
    if case .null = value { return nil }
    return value
  }

  func string(_ name: String) throws(ManifestError) -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw wrongKind(name, "a string", value) }
    return text
  }

  func whole(_ name: String) throws(ManifestError) -> Int64? {
    guard let value = value(name) else { return nil }
    guard case .integer(let number) = value else { throw wrongKind(name, "a whole number of 64 bits", value) }
    return number
  }

  func array(_ name: String, countMax: Int) throws(ManifestError) -> [JSONValue] {
    guard let value = value(name) else { return [] }
    guard case .array(let elements) = value else { throw wrongKind(name, "an array", value) }
    guard elements.count <= countMax else {
      throw .invalidField(path: path(to: name), reason: "has \(elements.count) entries, more than \(countMax)")
    }
    return elements
  }

  func strings(_ name: String, countMax: Int) throws(ManifestError) -> [String] {
    var texts: [String] = []
    for (index, element) in try array(name, countMax: countMax).enumerated() {
      guard case .string(let text) = element else { throw wrongKind("\(name)[\(index)]", "a string", element) }
      texts.append(text)
    }
    return texts
  }

  /// A map of strings; of a repeated name the last value counts.
  func map(_ name: String) throws(ManifestError) -> [String: String] {
    guard let value = value(name) else { return [:] }
    guard case .object(let members) = value else { throw wrongKind(name, "an object", value) }
    var map: [String: String] = [:]
    for member in members {
      guard case .string(let text) = member.value else {
        throw wrongKind("\(name).\(member.name.prefix(128))", "a string", member.value)
      }
      map[member.name] = text
    }
    return map
  }

  func required<Value>(_ name: String, _ value: Value?) throws(ManifestError) -> Value {
    guard let value else { throw .invalidField(path: path(to: name), reason: "is missing") }
    return value
  }

  private func wrongKind(_ name: String, _ wanted: String, _ found: JSONValue) -> ManifestError {
    .invalidField(path: path(to: name), reason: "must be \(wanted), found \(found.kindName)")
  }
}

extension JSONValue {
  /// What to call the value in a message.
  var kindName: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
