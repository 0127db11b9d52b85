// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// One thing that a client is told to do, without a choice of its own.
enum Chore: String, CaseIterable {
  case pushInOneRequest
  case pushWhole
  case pushInChunks
  case pushStreamed
  case mount
  case manifestByDigest
  case manifestByTag
  case retag
  case deleteTag
  case deleteManifest
  case deleteBlob
}

extension SimulatedClient {
  /// Does a chore, again and again while no answer tells what became of it, as a patient client does.
  func insist(on chore: Chore) async {
    for _ in 0..<8 {
      if ledger.isFailed { return }
      if await attempt(chore) { return }
      await town.simulated.pause(for: .milliseconds(50))
    }
    ledger.fail("\(chore.rawValue) does not succeed although it is tried again")
  }

  /// True when it is done, or was refused for good.
  private func attempt(_ chore: Chore) async -> Bool {
    let (home, other) = (stock.repositories[0], stock.repositories[1])
    switch chore {
    case .pushInOneRequest:
      let key = Ledger.Key.blob(home, stock.blobs[1].digest)
      let answer = await ask(
        "POST", "/v2/\(home)/blobs/uploads/?digest=\(stock.blobs[1].digest)", body: stock.blobs[1].bytes,
        intending: [.init(key: key, value: Ledger.there)], applies: { $0 == 201 })
      return answer?.status == 201
    case .pushWhole: return await upload(stock.blobs[0], to: home, .whole)
    case .pushInChunks: return await upload(stock.blobs[0], to: home, .chunked)
    case .pushStreamed: return await upload(stock.blobs[0], to: home, .streamed)
    case .mount: return await mountOnce(stock.blobs[0], from: home, to: other)
    case .manifestByDigest: return await put(stock.manifests[0], as: stock.manifests[0].item.digest, in: home)
    case .manifestByTag: return await put(stock.manifests[0], as: stock.tags[0], in: home)
    case .retag: return await put(stock.manifests[1], as: stock.tags[0], in: home)
    case .deleteTag:
      return await delete(
        stock.tags[0], [.init(key: .tag(home, stock.tags[0]), value: nil)], from: "\(home)/manifests")
    case .deleteManifest:
      let digest = stock.manifests[0].item.digest
      return await delete(
        digest,
        [
          .init(key: .manifest(home, digest), value: nil),
          .init(key: .tag(home, stock.tags[0]), value: nil, onlyOver: digest),
        ], from: "\(home)/manifests")
    case .deleteBlob:
      let digest = stock.blobs[0].digest
      return await delete(digest, [.init(key: .blob(home, digest), value: nil)], from: "\(home)/blobs")
    }
  }

  /// Uploads in one way, in two halves where there are chunks; goes on where the upload stands after a failure.
  private func upload(_ blob: Stock.Item, to repository: String, _ style: PushStyle) async -> Bool {
    guard let upload = await begin(blob, in: repository) else { return false }
    return await complete(upload, style)
  }

  private func complete(_ given: UploadProgress, _ style: PushStyle) async -> Bool {
    var upload = given
    let half = upload.blob.bytes.count / 2
    for _ in 0..<8 {
      if ledger.isFailed { return false }
      let left = upload.blob.bytes.count - upload.offset
      let step =
        style == .whole || left == 0
        ? await commit(&upload)
        : await append(&upload, style, count: upload.offset < half ? half - upload.offset : left)
      switch step {
      case .over: return true
      case .goesOn: continue
      case .lost: if await !inquire(&upload) { return false }
      }
    }
    return false
  }

  private func mountOnce(_ blob: Stock.Item, from source: String, to repository: String) async -> Bool {
    let birth = UploadProgress.Birth(town)
    let answer = await ask(
      "POST", "/v2/\(repository)/blobs/uploads/?mount=\(blob.digest)&from=\(source)",
      intending: [.init(key: .blob(repository, blob.digest), value: Ledger.there)], applies: { $0 == 201 })
    guard let answer else { return false }
    guard answer.status == 202, let location = answer.reply.first("Location") else { return answer.status == 201 }
    return await complete(UploadProgress(blob, repository, location, birth, in: town), .whole)
  }

  private func put(_ manifest: Stock.Manifest, as reference: String, in repository: String) async -> Bool {
    var intents = [Ledger.Intent(key: .manifest(repository, manifest.item.digest), value: Ledger.there)]
    if reference != manifest.item.digest {
      intents.append(.init(key: .tag(repository, reference), value: manifest.item.digest))
    }
    let answer = await ask(
      "PUT", "/v2/\(repository)/manifests/\(reference)", fields: [("Content-Type", manifest.mediaType)],
      body: manifest.item.bytes, intending: intents)
    return answer?.status == 201
  }

  private func delete(_ reference: String, _ intents: [Ledger.Intent], from path: String) async -> Bool {
    guard let answer = await ask("DELETE", "/v2/\(path)/\(reference)", intending: intents) else { return false }
    if answer.status == 404 {
      ledger.judge(intents[0].key, meant: nil, between: answer.start, and: answer.end)
    }
    return answer.status < 500
  }
}
