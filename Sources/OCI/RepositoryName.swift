// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The name of a repository: components of lower-case alphanumerics, separated inside by `.`, `_`, `__` or dashes,
/// and from each other by `/` (OCI distribution-spec, "Pulling manifests"; at most 255 bytes in all).
///
/// A value in hand is valid, hence safe as a relative path: no component is empty, `.` or `..`, or starts with `_`.
public struct RepositoryName: Sendable, Hashable {
  /// Longest name, in bytes.
  public static let bytesMax = 255

  private let text: String

  /// Parses a name.
  public init(parsing text: String) throws(NameError) {
    var contiguous = text
    if let reason = contiguous.withUTF8({ utf8 in Self.fault(in: utf8) }) {
      throw .invalidRepositoryName(reason: reason)
    }
    self.text = contiguous
  }

  /// The components between the slashes, in order.
  public var components: [Substring] { text.split(separator: "/") }

  /// Whether `left` comes strictly before `right` in catalog order: byte order with `/` below every other byte,
  /// so that a repository comes directly before those nested in it. Either may be any text (a client's `last`).
  public static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8) { weight($0) < weight($1) }
  }

  private static func weight(_ byte: UInt8) -> UInt8 { byte == UInt8(ascii: "/") ? 0 : byte }

  private static func fault(in utf8: UnsafeBufferPointer<UInt8>) -> String? {
    guard !utf8.isEmpty else { return "it is empty" }
    guard utf8.count <= bytesMax else { return "it has \(utf8.count) bytes, more than \(bytesMax)" }
    // The run of separators since the last alphanumeric; a component starts as if after a slash.
    var separator: (byte: UInt8, length: Int) = (UInt8(ascii: "/"), 1)
    for (offset, byte) in utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): separator.length = 0
      case UInt8(ascii: "/"):
        if separator.length > 0 { return "a component is empty or ends in a separator at byte \(offset)" }
        separator = (byte, 1)
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        if separator.length == 0 {
          separator = (byte, 1)
          continue
        }
        let isRun = separator.byte == byte
        let mayGrow = byte == UInt8(ascii: "-") || (byte == UInt8(ascii: "_") && separator.length == 1)
        guard isRun, mayGrow else { return "a separator is misplaced at byte \(offset)" }
        separator.length += 1
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): return "it has an upper-case letter at byte \(offset)"
      default: return "it has a character outside a-z, 0-9, '.', '_', '-', '/' at byte \(offset)"
      }
    }
    return separator.length > 0 ? "it ends in a separator" : nil
  }
}

extension RepositoryName: CustomStringConvertible {
  /// The name as text.
  public var description: String { text }
}

extension RepositoryName: Comparable {
  /// Catalog order; see `precedes(_:_:)`.
  public static func < (left: RepositoryName, right: RepositoryName) -> Bool { precedes(left.text, right.text) }
}
