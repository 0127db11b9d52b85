// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// Several clients at one thing. The others come to the town when the deed begins and leave when they have done it.
extension SimulatedClient {
  /// The same blob, pushed by many at once, as the jobs of one build do it.
  func herd(_ blob: Stock.Item, to repository: String) async {
    for number in 0..<(1 + generator.below(5)) {
      town.send("\(name).\(number)", generator.split()) { client in
        await client.push(blob, to: repository, client.any([.whole, .chunked, .streamed]))
      }
    }
    await push(blob, to: repository, any([.whole, .chunked, .streamed]))
  }

  /// A mount from a repository out of which the blob is deleted, or into one in which it is.
  func mountDuringDelete(_ blob: Stock.Item) async {
    let (source, target) = (any(stock.repositories), any(stock.repositories))
    let deleted = any([source, target])
    town.send("\(name).deleter", generator.split()) { await $0.delete(blob, from: deleted) }
    await mount(blob, from: source, to: target)
  }

  /// An upload that one client commits and another cancels: one of them comes first, and the other is told.
  func commitDuringCancel(_ blob: Stock.Item, in repository: String) async {
    guard var upload = await begin(blob, in: repository) else { return }
    upload.mayBeOver = true
    let shared = upload
    town.send("\(name).canceller", generator.split()) { await $0.cancel(shared) }
    await finish(upload, any([.whole, .chunked]))
  }

  /// An upload that two clients go on with: each learns where it stands, and its bytes are never mixed up. One of them
  /// may take its time, so that the other learns it from a server that cannot have the lease.
  func twoInOneUpload(_ blob: Stock.Item, in repository: String) async {
    guard var upload = await begin(blob, in: repository) else { return }
    let isSlow = generator.oneIn(2)
    if isSlow, blob.bytes.count > 1 {
      // So that there is something that nobody may be told less of.
      _ = await append(&upload, .chunked, count: blob.bytes.count / 2)
    }
    (upload.mayBeOver, upload.isShared, upload.sent) = (true, true, blob.bytes.count)
    let shared = upload
    town.send("\(name).other", generator.split()) { await $0.finish(shared, .chunked) }
    dawdles = isSlow
    defer { dawdles = false }
    await finish(upload, .chunked)
  }
}
