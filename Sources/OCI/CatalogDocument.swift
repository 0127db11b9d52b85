// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The answer of `GET /v2/_catalog`: `{"repositories":[…]}` and a newline.
public enum CatalogDocument {
  /// The document for `repositories` in the given order.
  public static func render(repositories: [RepositoryName]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(32 + repositories.count * 32)
    output.append(contentsOf: "{\"repositories\":[".utf8)
    for (index, name) in repositories.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      JSONText.append(name.description, to: &output)
    }
    output.append(contentsOf: "]}\n".utf8)
    return output
  }
}
