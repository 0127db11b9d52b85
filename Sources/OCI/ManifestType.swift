// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Tells under which type a stored manifest is served.
///
/// Looks at the outermost members alone and judges nothing else: what is stored may have been taken by another
/// registry, with rules that are not ours, and is served as it is. Costs about a nanosecond a byte and no memory.
public enum ManifestType {
  /// The type of the document; nil when it is no JSON object, or one that does not tell.
  ///
  /// The type is that of the field `mediaType`; without one, or when it says no more than "JSON" or "bytes", the shape
  /// tells: schema version 1 is Docker's, what has `manifests` an index, what has `config` or `layers` an image.
  public static func read(_ bytes: [UInt8]) -> MediaType? {
    bytes.withUnsafeBufferPointer { bytes in
      var skimmer = Skimmer(bytes)
      return skimmer.outermost().flatMap(type)
    }
  }

  /// Longest type that is taken from a document: RFC 6838 section 4.2 allows 127 characters on either side.
  private static let textBytesMax = 255

  private static func type(_ found: Skimmer.Outermost) -> MediaType? {
    if let text = found.mediaType, isUsable(text) {
      let type = MediaType(text).withoutParameters
      if type != .json, type != .octetStream { return type }
    }
    if found.schemaVersion == "1" {
      return found.names.contains(.signatures) ? .dockerManifestSchema1Signed : .dockerManifestSchema1
    }
    if found.names.contains(.manifests) { return .ociIndex }
    if found.names.contains(.image) { return .ociManifest }
    return nil
  }

  /// Whether a text can stand in a field of a response.
  private static func isUsable(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= textBytesMax && text.utf8.contains(UInt8(ascii: "/"))
      && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
  }
}

/// Walks over a JSON text without making values of it. Takes some texts that are no JSON; never reads beyond the end.
private struct Skimmer {
  /// What was found outermost.
  struct Outermost {
    var mediaType: String?
    /// As written.
    var schemaVersion: String?
    var names: Names = []
  }

  /// Members that tell the shape when they are not null.
  struct Names: OptionSet {
    let rawValue: UInt8
    static let manifests = Names(rawValue: 1)
    static let image = Names(rawValue: 2)
    static let signatures = Names(rawValue: 4)
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private var index = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  mutating func outermost() -> Outermost? {
    var found = Outermost()
    guard take(UInt8(ascii: "{")) else { return nil }
    if take(UInt8(ascii: "}")) { return found }
    while true {
      guard let name = value(), name.first == UInt8(ascii: "\""), take(UInt8(ascii: ":")), let value = value() else {
        return nil
      }
      note(name.dropFirst().dropLast(), value, &found)
      if take(UInt8(ascii: "}")) { return found }
      guard take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private func note(
    _ name: Slice<UnsafeBufferPointer<UInt8>>, _ value: Slice<UnsafeBufferPointer<UInt8>>, _ found: inout Outermost
  ) {
    guard name.count <= 13, !value.elementsEqual("null".utf8) else { return }
    switch String(decoding: name, as: UTF8.self) {
    case "mediaType" where value.first == UInt8(ascii: "\""):
      // A slash may be written with a backslash before it; no type has any other escape.
      let text = value.dropFirst().dropLast().filter { $0 != UInt8(ascii: "\\") }
      found.mediaType = String(decoding: text, as: UTF8.self)
    case "schemaVersion": found.schemaVersion = String(decoding: value, as: UTF8.self)
    case "manifests": found.names.insert(.manifests)
    case "config", "layers": found.names.insert(.image)
    case "signatures": found.names.insert(.signatures)
    default: break
    }
  }

  /// The bytes of the next value, which the walk is past then; nil at the end of the text.
  private mutating func value() -> Slice<UnsafeBufferPointer<UInt8>>? {
    skipSpace()
    let start = index
    var depth = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        guard skipString() else { return nil }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
        continue
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        guard depth >= 0 else { return nil }
        index += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"),
        UInt8(ascii: "\r"):
        guard depth > 0 else { return nil }
        index += 1
        continue
      default: skipWord()
      }
      if depth == 0 { return bytes[start..<index] }
    }
    return nil
  }

  private mutating func skipString() -> Bool {
    index += 1
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index += 1
        return true
      case UInt8(ascii: "\\"): index += 2
      default: index += 1
      }
    }
    return false
  }

  /// A number, or one of the three words.
  private mutating func skipWord() {
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
        index += 1
      default:
        // What begins no value is passed over alone, so that the walk always goes on.
        if index < bytes.count, !isWordEnd(bytes[index]) { index += 1 }
        return
      }
    }
  }

  private func isWordEnd(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"), UInt8(ascii: "\""),
      UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"),
      UInt8(ascii: "\r"):
      true
    default: false
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): index += 1
      default: return
      }
    }
  }
}
