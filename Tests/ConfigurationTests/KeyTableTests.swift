// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// The table of keys against itself, the defaults and the documents.
struct KeyTableTests {
  @Test func everyKeyHasItsSection() {
    for entry in KeyTable.entries {
      var parent = entry.path
      if parent.hasSuffix("[]") {
        parent.removeLast(2)
      } else if let dot = parent.lastIndex(of: ".") {
        parent = String(parent[..<dot])
      } else {
        continue
      }
      let holder = KeyTable.entry(parent)
      #expect(holder != nil, "\(entry.path) has no section in the table")
      #expect([.section, .table, .list].contains(holder?.kind), "\(parent) cannot hold \(entry.path)")
    }
  }

  @Test func servedValuesSayWhatTheyDo() {
    for entry in KeyTable.entries where entry.status == .served {
      switch entry.kind {
      case .section, .table, .list: continue
      default: #expect(!entry.summary.isEmpty && !entry.fallback.isEmpty, "\(entry.path)")
      }
    }
  }

  @Test func keysHoldNoUnderscoreExceptThoseDistributionCannotSet() {
    let odd = KeyTable.entries.filter { $0.path.contains("_") }.map(\.path)
    #expect(odd.allSatisfy { $0.hasPrefix("storage.gcs.credentials.") || $0.hasPrefix("storage.azure.") })
  }

  /// One row of a reference table in docs/CONFIGURATION.md.
  static func row(_ entry: KeyEntry) -> String {
    let form = entry.kind == .table ? "" : entry.kind.rawValue
    return "| `\(entry.path)` | \(form) | \(entry.fallback) | \(entry.generation.rawValue) | \(entry.summary) |"
  }

  @Test func everyServedKeyIsDocumented() throws {
    let document = String(decoding: try ExampleFilesTests.bytes("docs/CONFIGURATION.md"), as: UTF8.self)
    for entry in KeyTable.entries where entry.status == .served && !entry.summary.isEmpty {
      #expect(document.contains(Self.row(entry)), "docs/CONFIGURATION.md lacks the row:\n\(Self.row(entry))")
    }
  }

  @Test func everyOtherSectionIsDocumented() throws {
    let document = String(decoding: try ExampleFilesTests.bytes("docs/CONFIGURATION.md"), as: UTF8.self)
    for entry in KeyTable.entries {
      let parent = entry.path.lastIndex(of: ".").flatMap { KeyTable.entry(String(entry.path[..<$0])) }
      // The outermost key of what is ignored or refused stands for all below it.
      guard entry.status != .served, parent?.status ?? .served == .served, !entry.path.hasSuffix("[]") else { continue }
      #expect(document.contains("| `\(entry.path)` |"), "docs/CONFIGURATION.md does not speak of \(entry.path)")
    }
  }

  /// The defaults of the table are those of the loader, wherever the table gives them as values.
  @Test func defaultsOfTheTableAreTheLoaders() {
    let standard = SettingsReport.yaml(load(base).settings ?? Settings())
    for entry in KeyTable.entries where entry.status == .served {
      let words = ["none", "required", "made once, kept with the storage", "5s with http.debug.addr, else 0s"]
      // An element of a list has no default of its own.
      guard !entry.fallback.isEmpty, !words.contains(entry.fallback), !entry.path.contains("[]") else { continue }
      // Setting the default explicitly changes nothing.
      let parts = entry.path.split(separator: ".")
      var text = parts.dropFirst().reversed().reduce("\(entry.fallback)") { "{\($1): \($0)}" }
      text = "\(parts[0]): \(text)\n"
      var file = base
      switch parts[0] {
      case "http" where entry.path == "http.addr": continue
      case "auth": continue
      // A default of these counts only with a certificate.
      case "http" where entry.path.hasPrefix("http.tls."): continue
      case "http":
        let inner = parts.dropFirst(2).reversed().reduce("\(entry.fallback)") { "{\($1): \($0)}" }
        file += "  \(parts[1]): \(inner)\n"
      case "storage" where parts[1] == "filesystem" || parts[2] == "uploadpurging": continue
      case "storage":
        let inner = parts.dropFirst(2).reversed().reduce("\(entry.fallback)") { "{\($1): \($0)}" }
        file = base.replacing("  inmemory: {}\n", with: "  inmemory: {}\n  \(parts[1]): \(inner)\n")
      default: file += text
      }
      let outcome = load(file)
      #expect(outcome.settings.map(SettingsReport.yaml) == standard, "\(entry.path): \(outcome.lines)")
    }
    #expect(FilesystemSettings().rootDirectory == KeyTable.entry("storage.filesystem.rootdirectory")?.fallback)
    let syncBytes = String(FilesystemSettings().uploadSyncBytes)
    #expect(syncBytes == KeyTable.entry("storage.filesystem.uploadsyncbytes")?.fallback)
    #expect(String(FilesystemSettings().threadsMax) == KeyTable.entry("storage.filesystem.maxthreads")?.fallback)
    #expect(HTTPSettings().address.description == KeyTable.entry("http.addr")?.fallback)
    let purging = "storage.maintenance.uploadpurging"
    #expect(GoDuration.format(UploadPurgingSettings().age) == KeyTable.entry("\(purging).age")?.fallback)
    #expect(GoDuration.format(UploadPurgingSettings().interval) == KeyTable.entry("\(purging).interval")?.fallback)
  }
}
