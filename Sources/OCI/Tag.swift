// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A tag: at most 128 of `[A-Za-z0-9_.-]`, not starting with `.` or `-` (OCI distribution-spec, "Pulling manifests").
///
/// A value in hand is valid, hence safe as a file name. Tags sort by their bytes.
public struct Tag: Sendable, Hashable {
  /// Longest tag, in bytes.
  public static let bytesMax = 128

  private let text: String

  /// Parses a tag.
  public init(parsing text: String) throws(NameError) {
    var contiguous = text
    if let reason = contiguous.withUTF8({ utf8 in Self.fault(in: utf8) }) {
      throw .invalidTag(reason: reason)
    }
    self.text = contiguous
  }

  /// The tag of a text that is known to be one.
  init(valid text: String) { self.text = text }

  private static func fault(in utf8: UnsafeBufferPointer<UInt8>) -> String? {
    guard let first = utf8.first else { return "it is empty" }
    guard utf8.count <= bytesMax else { return "it has \(utf8.count) bytes, more than \(bytesMax)" }
    guard first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return "it starts with '.' or '-'" }
    guard let bad = utf8.firstIndex(where: { !NameBytes.isWord($0) && $0 != UInt8(ascii: ".") && $0 != dash }) else {
      return nil
    }
    return "it has a character outside A-Z, a-z, 0-9, '_', '.', '-' at byte \(bad)"
  }

  /// How many bytes it has.
  public var utf8Count: Int { text.utf8.count }

  private static let dash = UInt8(ascii: "-")
}

extension Tag: CustomStringConvertible {
  /// The tag as text.
  public var description: String { text }
}

extension Tag: Comparable {
  /// Byte order.
  public static func < (left: Tag, right: Tag) -> Bool { left.text < right.text }
}
