// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// A client that pushes and deletes at random, in repositories that it shares with others, and keeps a ledger. Tags and
/// manifests are its own, so that it knows what they show; some blobs are everybody's.
final class KillPusher: Sendable {
  static let repositories = ["kill/shared", "kill/nested/deep/down"]

  private struct State {
    var dice: Dice
    var ledger = Ledger()
    /// Targets that were written since the last settlement.
    var touched: Set<String> = []
    /// Blobs that no manifest names.
    var loose: [String] = []
    /// Manifests that may be deleted: repository and digest.
    var manifests: [(repository: String, digest: String)] = []
    var contents: UInt64 = 0
  }

  private let number: Int
  private let state: Mutex<State>

  init(_ number: Int, seed: UInt64) {
    self.number = number
    state = Mutex(State(dice: Dice(seed)))
  }

  var ledger: Ledger { state.withLock { $0.ledger } }

  /// What was written since the last settlement.
  var marked: Set<String> { state.withLock { $0.touched } }

  func settle(_ seen: [String: String]) {
    state.withLock { state in
      state.ledger.settle(seen)
      state.touched = []
      state.loose.removeAll { state.ledger.value(of: $0) == Ledger.absent }
    }
  }

  /// Writes until the server is gone. Notes what the server should not have said, or an end before the kill.
  func push(_ round: Int, to endpoint: Endpoint, until isKilled: KillFlag, _ faults: Notes) {
    state.withLock { state in
      let client = HTTPClient(endpoint)
      do {
        while true { try step(round, client, &state, faults) }
      } catch {
        if !isKilled.isSet { faults.add("client \(number): \(error)") }
      }
    }
  }

  private func step(_ round: Int, _ client: HTTPClient, _ state: inout State, _ faults: Notes) throws {
    let repository = Self.repositories[Int.random(in: 0..<2, using: &state.dice)]
    switch Int.random(in: 0..<100, using: &state.dice) {
    case 0..<40:
      let target = try pushBlob(repository, content(&state), client, &state, faults)
      state.loose.append(target)
    case 40..<50:
      // The same blob from everybody at once.
      let common = Noise.bytes(20_000, 1_000_000 + UInt64(round * 4) + UInt64.random(in: 0..<4, using: &state.dice))
      _ = try pushBlob(repository, common, client, &state, faults)
    case 50..<85: try pushImage(repository, client, &state, faults)
    case 85..<90: try deleteBlob(client, &state, faults)
    case 90..<95: try deleteTag(repository, client, &state, faults)
    default: try deleteManifest(client, &state, faults)
    }
  }

  /// Bytes that nobody pushed before.
  private func content(_ state: inout State) -> [UInt8] {
    state.contents += 1
    let sizes = state.dice.once(in: 12) ? 300_000...1_500_000 : 1...40_000
    let size = Int.random(in: sizes, using: &state.dice)
    return Noise.bytes(size + 24, UInt64(number + 1) * 10_000_000 + state.contents)
  }

  private func write(
    _ effects: [(target: String, digest: String)], _ state: inout State, _ faults: Notes, status: Int,
    _ send: (inout State) throws -> Response
  ) throws {
    var ledger = state.ledger
    defer { state.ledger = ledger }
    for effect in effects { state.touched.insert(effect.target) }
    try ledger.write(effects) {
      let response = try send(&state)
      if response.status != status { faults.add("instead of \(status): \(response)") }
      return response.status == status
    }
  }

  private func pushBlob(
    _ repository: String, _ bytes: [UInt8], _ client: HTTPClient, _ state: inout State, _ faults: Notes
  ) throws -> String {
    let digest = Algorithm.sha256.digest(bytes)
    let target = "/v2/\(repository)/blobs/\(digest)"
    try write([(target, digest)], &state, faults, status: 201) { state in
      let uploads = "/v2/\(repository)/blobs/uploads/"
      let kind = Int.random(in: 0..<3, using: &state.dice)
      if kind == 0 { return try client.send("POST", "\(uploads)?digest=\(digest)", body: bytes) }
      var response = try client.send("POST", uploads)
      var rest = bytes[...]
      while kind == 2, rest.count > 1, !state.dice.once(in: 3) {
        let chunk = rest.prefix(.random(in: 1..<rest.count, using: &state.dice))
        rest = rest.dropFirst(chunk.count)
        response = try client.send("PATCH", targetOf(response["Location"] ?? "/"), body: Array(chunk))
        if response.status != 202 { return response }
      }
      return try client.send(
        "PUT", targetOf(response["Location"] ?? "/").adding("digest=\(digest)"), body: Array(rest))
    }
    return target
  }

  private func pushImage(
    _ repository: String, _ client: HTTPClient, _ state: inout State, _ faults: Notes
  ) throws {
    let config = Content(Media.config, Array(#"{"client":\#(number),"image":\#(state.contents)}"#.utf8), .sha256)
    let layer = Content(Media.layer, content(&state), .sha256)
    for blob in [config, layer] { _ = try pushBlob(repository, blob.bytes, client, &state, faults) }
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(Media.image)","config":\#(config.descriptor),"layers":[\#(layer.descriptor)]}"#
    let manifest = Content(Media.image, Array(text.utf8), .sha256)
    let tag = state.dice.once(in: 6) ? nil : "c\(number)-\(Int.random(in: 0..<8, using: &state.dice))"
    let byDigest = "/v2/\(repository)/manifests/\(manifest.digest)"
    var effects = [(target: byDigest, digest: manifest.digest)]
    if let tag { effects.append(("/v2/\(repository)/manifests/\(tag)", manifest.digest)) }
    try write(effects, &state, faults, status: 201) { _ in
      try client.send(
        "PUT", effects[effects.count - 1].target, [("Content-Type", Media.image)], body: manifest.bytes)
    }
    state.manifests.append((repository, manifest.digest))
  }

  private func deleteBlob(_ client: HTTPClient, _ state: inout State, _ faults: Notes) throws {
    guard let index = state.loose.indices.randomElement(using: &state.dice) else { return }
    let target = state.loose.remove(at: index)
    try write([(target, Ledger.absent)], &state, faults, status: 202) { _ in try client.send("DELETE", target) }
  }

  private func deleteTag(_ repository: String, _ client: HTTPClient, _ state: inout State, _ faults: Notes) throws {
    let target = "/v2/\(repository)/manifests/c\(number)-\(Int.random(in: 0..<8, using: &state.dice))"
    guard let value = state.ledger.value(of: target), value != Ledger.absent else { return }
    try write([(target, Ledger.absent)], &state, faults, status: 202) { _ in try client.send("DELETE", target) }
  }

  /// Deletes a manifest, and with it the tags that point at it.
  private func deleteManifest(_ client: HTTPClient, _ state: inout State, _ faults: Notes) throws {
    guard let index = state.manifests.indices.randomElement(using: &state.dice) else { return }
    let (repository, digest) = state.manifests.remove(at: index)
    let start = "/v2/\(repository)/manifests/"
    let target = start + digest
    guard state.ledger.value(of: target) == digest else { return }
    let targets = state.ledger.allowed.filter { $0.key.hasPrefix(start) && $0.value == [digest] }.map(\.key)
    let effects = targets.map { (target: $0, digest: Ledger.absent) }
    try write(effects, &state, faults, status: 202) { _ in try client.send("DELETE", target) }
  }
}

/// Set when the kill is about to come.
final class KillFlag: Sendable {
  private let isRaised = Atomic<Bool>(false)
  var isSet: Bool { isRaised.load(ordering: .sequentiallyConsistent) }
  func set() { isRaised.store(true, ordering: .sequentiallyConsistent) }
}
