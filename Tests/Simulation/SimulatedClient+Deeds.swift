// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

extension SimulatedClient {
  /// Does one thing.
  func perform(_ deed: HistoryPlan.Deed) async {
    let repository = any(stock.repositories)
    switch deed {
    case .pushWhole: await push(any(stock.blobs), to: repository, .whole)
    case .pushInOneRequest: await pushInOneRequest(any(stock.blobs), to: repository)
    case .pushInChunks: await push(any(stock.blobs), to: repository, .chunked)
    case .pushStreamed: await push(any(stock.blobs), to: repository, .streamed)
    case .pushWrongDigest: await pushWrongDigest(to: repository)
    case .resumeAbandoned: await resumeAbandoned()
    case .cancelAbandoned: await cancelAbandoned()
    case .mount: await mount(any(stock.blobs), from: any(stock.repositories), to: repository)
    case .pullBlob: await pull(any(stock.blobs), from: repository)
    case .pushImage: await pushImage(generator.below(stock.manifests.count), to: repository)
    case .pushManifest: _ = await push(any(stock.manifests), to: repository)
    case .pullManifest: await pullManifest(from: repository)
    case .listTags: await listTags(of: repository)
    case .deleteTag: await deleteTag(any(stock.tags), of: repository)
    case .deleteManifest: await deleteManifest(in: repository)
    case .deleteBlob: await delete(any(stock.blobs), from: repository)
    case .herd: await herd(any(stock.blobs), to: repository)
    case .mountDuringDelete: await mountDuringDelete(any(stock.blobs))
    case .commitDuringCancel: await commitDuringCancel(any(stock.blobs), in: repository)
    case .twoInOneUpload: await twoInOneUpload(any(stock.blobs), in: repository)
    case .wait: await town.simulated.pause(for: .milliseconds(100 + Int64(generator.below(4_000))))
    }
    await readBack()
  }

  /// Looks at some of what was written last, by whomever.
  private func readBack() async {
    guard generator.oneIn(2) else { return }
    for key in ledger.latest(3) { await read(key) }
  }

  /// Looks at one thing.
  private func read(_ key: Ledger.Key) async {
    switch key {
    case .blob(let repository, let digest):
      if let blob = (stock.blobs + stock.last.blobs).first(where: { $0.digest == digest }) {
        await pull(blob, from: repository, wholly: generator.oneIn(2))
      }
    case .manifest(let repository, let digest):
      if let manifest = (stock.manifests + [stock.last]).first(where: { $0.item.digest == digest }) {
        await pull(manifest, from: repository)
      }
    case .tag(let repository, let tag): await pullTag(tag, from: repository)
    }
  }

  // MARK: Blobs

  /// Reads a blob, all of it, a part, or only its head.
  func pull(_ blob: Stock.Item, from repository: String, wholly: Bool = false) async {
    let key = Ledger.Key.blob(repository, blob.digest)
    let target = "/v2/\(repository)/blobs/\(blob.digest)"
    let kind = wholly ? 2 : generator.below(4)
    var fields: [(name: String, value: String)] = []
    var part = 0..<blob.bytes.count
    if kind == 0, blob.bytes.count > 1 {
      let first = generator.below(blob.bytes.count)
      part = first..<(first + 1 + generator.below(blob.bytes.count - first))
      fields = [("Range", "bytes=\(part.lowerBound)-\(part.upperBound - 1)")]
    }
    guard let answer = await ask(kind == 1 ? "HEAD" : "GET", target, fields: fields) else { return }
    switch answer.status {
    case 200, 206:
      ledger.judge(key, meant: Ledger.there, between: answer.start, and: answer.end)
      if answer.reply.first("Docker-Content-Digest") != blob.digest { ledger.fail("\(key): another digest is told") }
      let wanted = answer.status == 206 ? Array(blob.bytes[part]) : blob.bytes
      if kind == 1 {
        if answer.reply.first("Content-Length") != "\(blob.bytes.count)" { ledger.fail("\(key): another size is told") }
      } else if answer.reply.body != wanted {
        ledger.fail("\(key): served with other bytes, \(answer.reply.body.count) instead of \(wanted.count)")
      }
    case 404: ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
    case 500...: break
    default: ledger.fail("\(key): GET answered \(answer.status)")
    }
  }

  func mount(_ blob: Stock.Item, from source: String, to repository: String) async {
    let key = Ledger.Key.blob(repository, blob.digest)
    let target = "/v2/\(repository)/blobs/uploads/?mount=\(blob.digest)&from=\(source)"
    let birth = UploadProgress.Birth(town)
    let answer = await ask("POST", target, intending: [.init(key: key, value: Ledger.there)], applies: { $0 == 201 })
    guard let answer, answer.status == 202, let location = answer.reply.first("Location") else { return }
    await finish(UploadProgress(blob, repository, location, birth, in: town), .whole)
  }

  func delete(_ blob: Stock.Item, from repository: String) async {
    let key = Ledger.Key.blob(repository, blob.digest)
    let answer = await ask(
      "DELETE", "/v2/\(repository)/blobs/\(blob.digest)", intending: [.init(key: key, value: nil)])
    guard let answer, answer.status == 404 else { return }
    ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
  }

  // MARK: Manifests

  /// Pushes an image with all that it needs, as a client that knows nothing of the registry.
  func pushImage(_ index: Int, to repository: String) async {
    let manifest = stock.manifests[index]
    for blob in manifest.blobs where generator.below(4) > 0 {
      await push(blob, to: repository, any([.whole, .chunked, .streamed]))
    }
    for child in manifest.manifests { await pushImage(child, to: repository) }
    _ = await push(manifest, to: repository)
  }

  /// Pushes a manifest by tag, by digest, or by digest with tags; true when it was taken.
  func push(_ manifest: Stock.Manifest, to repository: String, tagged: String? = nil) async -> Bool {
    var tags: [String] = []
    var reference = manifest.item.digest
    switch tagged == nil ? generator.below(4) : 0 {
    case 0, 1:
      tags = [tagged ?? any(stock.tags)]
      reference = tags[0]
    case 2:
      tags = stock.tags.filter { _ in generator.oneIn(2) }
      let query = tags.map { "tag=\($0)" }.joined(separator: "&")
      if !tags.isEmpty { reference += "?\(query)" }
    default: break
    }
    // By tag, the digest is what the registry makes of it: sha256.
    let isDefault = manifest.item.digest.hasPrefix("sha256:")
    if reference == tags.first, !isDefault {
      reference = "\(manifest.item.digest)?tag=\(tags[0])"
    }
    let intents =
      [Ledger.Intent(key: .manifest(repository, manifest.item.digest), value: Ledger.there)]
      + tags.map { Ledger.Intent(key: .tag(repository, $0), value: manifest.item.digest) }
    let answer = await ask(
      "PUT", "/v2/\(repository)/manifests/\(reference)", fields: [("Content-Type", manifest.mediaType)],
      body: manifest.item.bytes, intending: intents)
    guard let answer else { return false }
    switch answer.status {
    case 201:
      if answer.reply.first("Docker-Content-Digest") != manifest.item.digest {
        ledger.fail("a manifest was taken under another digest")
      }
      return true
    case 400:
      guard answer.reply.text.contains("MANIFEST_BLOB_UNKNOWN") else {
        ledger.fail("a good manifest was refused: \(answer.reply.text.prefix(300))")
        return false
      }
      return false
    case 500...: return false
    default:
      ledger.fail("PUT of a manifest answered \(answer.status)")
      return false
    }
  }

  func pullManifest(from repository: String) async {
    if generator.oneIn(2) {
      await pull(any(stock.manifests), from: repository)
    } else {
      await pullTag(any(stock.tags), from: repository)
    }
  }

  func pull(_ manifest: Stock.Manifest, from repository: String) async {
    let key = Ledger.Key.manifest(repository, manifest.item.digest)
    let target = "/v2/\(repository)/manifests/\(manifest.item.digest)"
    guard let answer = await ask("GET", target, fields: [("Accept", "*/*")]) else { return }
    switch answer.status {
    case 200:
      ledger.judge(key, meant: Ledger.there, between: answer.start, and: answer.end)
      check(answer, of: manifest, as: key)
    case 404: ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
    case 500...: break
    default: ledger.fail("\(key): GET answered \(answer.status)")
    }
  }

  func pullTag(_ tag: String, from repository: String) async {
    let key = Ledger.Key.tag(repository, tag)
    guard let answer = await ask("GET", "/v2/\(repository)/manifests/\(tag)", fields: [("Accept", "*/*")]) else {
      return
    }
    switch answer.status {
    case 200:
      let digest = answer.reply.first("Docker-Content-Digest") ?? ""
      ledger.judge(key, meant: digest, between: answer.start, and: answer.end)
      guard let manifest = (stock.manifests + [stock.last]).first(where: { $0.item.digest == digest }) else {
        return ledger.fail("\(key): means \(digest), which nobody pushed")
      }
      check(answer, of: manifest, as: key)
    case 404: ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
    case 500...: break
    default: ledger.fail("\(key): GET answered \(answer.status)")
    }
  }

  private func check(_ answer: Answer, of manifest: Stock.Manifest, as key: Ledger.Key) {
    if answer.reply.body != manifest.item.bytes { ledger.fail("\(key): served with other bytes") }
    if answer.reply.first("Content-Type") != manifest.mediaType { ledger.fail("\(key): served as another type") }
    if answer.reply.first("Docker-Content-Digest") != manifest.item.digest {
      ledger.fail("\(key): served with another digest")
    }
  }

  func listTags(of repository: String) async {
    guard let answer = await ask("GET", "/v2/\(repository)/tags/list") else { return }
    switch answer.status {
    case 200:
      let text = answer.reply.text
      for tag in stock.tags {
        let key = Ledger.Key.tag(repository, tag)
        if text.contains("\"\(tag)\"") {
          ledger.judgeThere(key, between: answer.start, and: answer.end)
        } else {
          ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
        }
      }
    case 404:
      for tag in stock.tags {
        ledger.judge(.tag(repository, tag), meant: nil, between: answer.start, and: answer.end)
      }
    case 500...: break
    default: ledger.fail("the list of tags answered \(answer.status)")
    }
  }

  func deleteTag(_ tag: String, of repository: String) async {
    let key = Ledger.Key.tag(repository, tag)
    let answer = await ask(
      "DELETE", "/v2/\(repository)/manifests/\(tag)", intending: [.init(key: key, value: nil)])
    guard let answer, answer.status == 404 else { return }
    ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
  }

  private func deleteManifest(in repository: String) async {
    // Mostly one that somebody pushed.
    for case .manifest(let repository, let digest) in ledger.latest(12) where generator.oneIn(2) {
      guard let manifest = stock.manifests.first(where: { $0.item.digest == digest }) else { continue }
      return await delete(manifest, from: repository)
    }
    await delete(any(stock.manifests), from: repository)
  }

  private func delete(_ manifest: Stock.Manifest, from repository: String) async {
    let digest = manifest.item.digest
    let key = Ledger.Key.manifest(repository, digest)
    let intents =
      [Ledger.Intent(key: key, value: nil)]
      + stock.tags.map { Ledger.Intent(key: .tag(repository, $0), value: nil, onlyOver: digest) }
    let answer = await ask("DELETE", "/v2/\(repository)/manifests/\(digest)", intending: intents)
    guard let answer, answer.status == 404 else { return }
    ledger.judge(key, meant: nil, between: answer.start, and: answer.end)
  }

  // MARK: Rounds

  /// Reads everything that anybody ever wrote.
  func audit() async {
    for key in ledger.keys {
      if ledger.isFailed { return }
      await read(key)
    }
    for repository in stock.repositories { await listTags(of: repository) }
  }

  /// Pushes and pulls an image when nothing is wrong any more: everything must work again, without a restart.
  func pushLast() async {
    let repository = stock.repositories[0]
    for blob in stock.last.blobs {
      await push(blob, to: repository, any([.whole, .chunked, .streamed]))
    }
    guard await push(stock.last, to: repository, tagged: "last") else {
      return ledger.fail("an image cannot be pushed although nothing is wrong any more")
    }
    for blob in stock.last.blobs { await pull(blob, from: repository, wholly: true) }
    await pullTag("last", from: repository)
  }
}
