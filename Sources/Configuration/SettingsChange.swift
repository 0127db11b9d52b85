// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a new configuration changes, told by the report of both: so every served key is looked at, whoever adds it.
public enum SettingsChange {
  /// The paths of keys whose effective values differ, in the order of the report.
  public static func paths(from old: Settings, to new: Settings) -> [String] {
    let (before, after) = (values(SettingsReport.yaml(old)), values(SettingsReport.yaml(new)))
    var known: [String: String] = [:]
    for (path, value) in before { known[path] = value }
    let added = Set(after.map(\.path))
    var changed = after.filter { known[$0.path] != $0.value }.map(\.path)
    changed += before.map(\.path).filter { !added.contains($0) }
    // Its value is masked in the report.
    if old.http.secret != new.http.secret, !changed.contains("http.secret") { changed.append("http.secret") }
    return changed
  }

  /// Each key with its value; the elements of a list belong to its key.
  private static func values(_ yaml: String) -> [(path: String, value: String)] {
    var values: [(path: String, value: String)] = []
    var sections: [String] = []
    var listDepth: Int?
    for line in yaml.split(separator: "\n") {
      let content = line.drop { $0 == " " }
      let depth = (line.count - content.count) / 2
      if let list = listDepth {
        if depth > list || (depth == list && content.hasPrefix("-")) {
          values[values.count - 1].value += "\n" + content
          continue
        }
        listDepth = nil
      }
      if content.hasPrefix("-") {
        listDepth = depth
        values.append((sections.joined(separator: "."), String(content)))
        continue
      }
      sections.removeSubrange(min(depth, sections.count)...)
      let parts = content.split(separator: ":", maxSplits: 1)
      let key = String(parts.first ?? "")
      let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
      sections.append(key)
      if !value.isEmpty { values.append((sections.joined(separator: "."), String(value))) }
    }
    return values
  }
}
