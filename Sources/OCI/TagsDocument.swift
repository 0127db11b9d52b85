// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The answer of end-8: `{"name":…,"tags":[…]}` and a newline.
public enum TagsDocument {
  /// The document for `tags` in the given order; no tags give `[]`, never `null`.
  public static func render(name: RepositoryName, tags: [Tag]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(64 + tags.count * 16)
    output.append(contentsOf: "{\"name\":".utf8)
    JSONText.append(name.description, to: &output)
    output.append(contentsOf: ",\"tags\":[".utf8)
    for (index, tag) in tags.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      // A tag has nothing that JSON would escape.
      output.append(UInt8(ascii: "\""))
      output.append(contentsOf: tag.description.utf8)
      output.append(UInt8(ascii: "\""))
    }
    output.append(contentsOf: "]}\n".utf8)
    return output
  }
}
