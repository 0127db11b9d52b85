// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The first document of a YAML text.
public struct YAMLDocument: Sendable, Equatable {
  /// The value of the document; nil when the text holds none (only comments, say).
  public var root: YAMLNode?
  /// Where a second document begins, if there is one; it is not read.
  public var nextDocument: YAMLMark?

  /// Reads the first document of a text.
  ///
  /// The text is UTF-8, or UTF-16 with a byte order mark. Merge keys (`<<`) and aliases are expanded; a key that is in
  /// a mapping twice is an error.
  /// - Parameters:
  ///   - text: the bytes; nothing of them is kept but the scalars.
  ///   - origin: how the text is called in messages; every node carries it.
  ///   - limits: what the text may cost.
  /// - Throws: the first fault, with its line and column.
  public init(_ text: [UInt8], origin: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
    guard text.count <= limits.bytesMax else {
      throw YAMLError(.tooLong(bytesMax: limits.bytesMax), at: YAMLMark(line: 1, column: 1))
    }
    let events = EventReader(text)
    defer { events.close() }
    var builder = TreeBuilder(events: events, origin: origin, limits: limits)
    (root, nextDocument) = try builder.firstDocument()
  }
}
