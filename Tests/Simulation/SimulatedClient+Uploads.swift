// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// How a blob is sent.
enum PushStyle {
  case whole
  case chunked
  case streamed
}

extension SimulatedClient {
  /// Uploads a blob, going on after whatever happens, or leaves it for later.
  func push(_ blob: Stock.Item, to repository: String, _ style: PushStyle) async {
    if generator.oneIn(3) {
      // As clients do it: what is there already is not sent.
      let answer = await ask("HEAD", "/v2/\(repository)/blobs/\(blob.digest)")
      if let answer, answer.status == 200 {
        let key = Ledger.Key.blob(repository, blob.digest)
        return ledger.judge(key, meant: Ledger.there, between: answer.start, and: answer.end)
      }
    }
    guard let upload = await begin(blob, in: repository) else { return }
    await finish(upload, style)
  }

  func begin(_ blob: Stock.Item, in repository: String) async -> UploadProgress? {
    // An upload computes one algorithm; another may be asked for at the end.
    let query = blob.digest.hasPrefix("sha512:") && generator.oneIn(2) ? "?digest-algorithm=sha512" : ""
    let birth = UploadProgress.Birth(town)
    guard let answer = await ask("POST", "/v2/\(repository)/blobs/uploads/\(query)"), answer.status == 202 else {
      return nil
    }
    guard let location = answer.reply.first("Location") else {
      ledger.fail("a 202 without Location")
      return nil
    }
    return UploadProgress(blob, repository, location, birth, in: town)
  }

  func pushInOneRequest(_ blob: Stock.Item, to repository: String) async {
    let key = Ledger.Key.blob(repository, blob.digest)
    let answer = await ask(
      "POST", "/v2/\(repository)/blobs/uploads/?digest=\(blob.digest)", body: blob.bytes,
      isStreamed: generator.oneIn(3), intending: [.init(key: key, value: Ledger.there)], applies: { $0 == 201 })
    if let answer, answer.status != 201, answer.status < 500 {
      ledger.fail("\(key): a push in one request answered \(answer.status): \(answer.reply.text.prefix(300))")
    }
  }

  /// Commits content under the digest of other content, which must be refused and leave nothing.
  func pushWrongDigest(to repository: String) async {
    let (blob, other) = (any(stock.blobs), any(stock.blobs))
    guard blob.bytes != other.bytes, let upload = await begin(blob, in: repository) else { return }
    let target = upload.location + "&digest=\(other.digest)"
    guard let answer = await ask("PUT", target, body: blob.bytes, faultsBefore: upload.birth.faults) else { return }
    if answer.status < 300 { ledger.fail("other content was taken as \(other.digest.prefix(15)) in \(repository)") }
  }

  func resumeAbandoned() async {
    guard !abandoned.isEmpty else { return await push(any(stock.blobs), to: any(stock.repositories), .chunked) }
    var upload = abandoned.remove(at: generator.below(abandoned.count))
    guard await inquire(&upload) else { return }
    // Bytes without their place would be taken wherever the other one has come to.
    await finish(upload, upload.isShared ? .chunked : any([.whole, .chunked, .streamed]))
  }

  func cancelAbandoned() async {
    guard !abandoned.isEmpty else { return }
    await cancel(abandoned.remove(at: generator.below(abandoned.count)))
  }

  func cancel(_ upload: UploadProgress) async {
    guard let answer = await ask("DELETE", upload.location, faultsBefore: upload.birth.faults) else { return }
    switch answer.status {
    case 204:
      let powerCuts = ledger.powerCuts
      if let after = await ask("GET", upload.location), after.status < 300, ledger.powerCuts == powerCuts {
        ledger.fail("an upload that was cancelled is still there")
      }
    case 404:
      if !upload.mayBeOver, !mayBePurged(upload), ledger.powerCuts == upload.powerCuts {
        ledger.fail("an upload that nobody ended is gone")
      }
    default: break
    }
  }

  /// Whether it is so old that the servers may have removed it.
  private func mayBePurged(_ upload: UploadProgress) -> Bool {
    town.purgeAge.map { town.simulated.wallClock.now.seconds >= upload.birth.second + $0 } ?? false
  }

  /// Sends what is left of an upload and commits it.
  func finish(_ given: UploadProgress, _ style: PushStyle) async {
    var upload = given
    for _ in 0..<24 {
      if ledger.isFailed { return }
      if generator.oneIn(12), !town.isCalm { return abandoned.append(upload) }
      let left = upload.blob.bytes.count - upload.offset
      let isLast = style == .whole || left == 0 || generator.oneIn(4)
      let wasAccepted = isLast ? await commit(&upload) : await append(&upload, style)
      switch wasAccepted {
      case .over: return
      case .goesOn: continue
      case .lost: guard await inquire(&upload) else { return }
      }
    }
    abandoned.append(upload)
  }

  enum Step {
    case over
    case goesOn
    case lost
  }

  func append(_ upload: inout UploadProgress, _ style: PushStyle, count given: Int? = nil) async -> Step {
    let left = upload.blob.bytes.count - upload.offset
    let count = given ?? (generator.oneIn(3) ? left : 1 + generator.below(left))
    let chunk = Array(upload.blob.bytes[upload.offset..<(upload.offset + count)])
    let range = (name: "Content-Range", value: "\(upload.offset)-\(upload.offset + count - 1)")
    upload.sent = max(upload.sent, upload.offset + count)
    let powerCuts = ledger.powerCuts
    let answer = await ask(
      "PATCH", upload.location,
      fields: [("Content-Type", "application/octet-stream")] + (style == .streamed ? [] : [range]), body: chunk,
      isStreamed: style == .streamed, faultsBefore: upload.birth.faults)
    guard let answer else { return .lost }
    switch answer.status {
    case 202:
      guard let offset = offset(of: answer, in: upload) else { return .over }
      if offset != upload.offset + count {
        ledger.fail("after \(count) bytes at \(upload.offset) a 202 says \(offset)")
        return .over
      }
      upload.offset = offset
      (upload.acknowledged, upload.powerCuts) = (offset, powerCuts)
      upload.location = answer.reply.first("Location") ?? upload.location
      return .goesOn
    case 416: return stands(answer, &upload)
    case 404, 409, 429, 500...: return .lost
    default:
      ledger.fail("a chunk was answered with \(answer.status): \(answer.reply.text.prefix(300))")
      return .over
    }
  }

  func commit(_ upload: inout UploadProgress) async -> Step {
    let key = Ledger.Key.blob(upload.repository, upload.blob.digest)
    let rest = Array(upload.blob.bytes[upload.offset...])
    upload.sent = upload.blob.bytes.count
    let wasOver = upload.mayBeOver
    upload.mayBeOver = true
    let fields =
      rest.isEmpty || !upload.isShared && generator.oneIn(2)
      ? [] : [(name: "Content-Range", value: "\(upload.offset)-\(upload.blob.bytes.count - 1)")]
    let answer = await ask(
      "PUT", upload.location + "&digest=\(upload.blob.digest)", fields: fields, body: rest,
      intending: [.init(key: key, value: Ledger.there)], faultsBefore: upload.birth.faults, applies: { $0 == 201 })
    guard let answer else { return .lost }
    switch answer.status {
    case 201: return .over
    case 416:
      upload.mayBeOver = wasOver
      return stands(answer, &upload)
    case 409, 429:
      upload.mayBeOver = wasOver
      return .lost
    case 404:
      upload.mayBeOver = wasOver
      return .lost
    case 500...: return .lost
    default:
      ledger.fail("\(key): the commit of what was sent answered \(answer.status): \(answer.reply.text.prefix(300))")
      return .over
    }
  }

  /// Asks where an upload stands, and judges the answer; false when it is over.
  func inquire(_ upload: inout UploadProgress) async -> Bool {
    for _ in 0..<12 {
      if ledger.isFailed { return false }
      guard let answer = await ask("GET", upload.location, faultsBefore: upload.birth.faults) else { continue }
      switch answer.status {
      case 204:
        return takeOffset(of: answer, &upload)
      case 404:
        if !upload.mayBeOver, !mayBePurged(upload), ledger.powerCuts == upload.powerCuts || floor(of: upload) > 0 {
          ledger.fail("an upload that nobody ended is gone: \(upload.location.prefix(80))")
        }
        return false
      case 429, 500...: await town.simulated.pause(for: .milliseconds(50))
      default:
        ledger.fail("the status of an upload answered \(answer.status)")
        return false
      }
    }
    abandoned.append(upload)
    return false
  }

  /// The least at which an upload has to stand now. A sync that fails may set it back, as long as that is told.
  private func floor(of upload: UploadProgress) -> Int {
    town.simulated.disk.failedSyncCount == upload.birth.failedSyncs ? upload.floor(ledger.powerCuts) : 0
  }

  /// What a 416 says of the upload is judged; some clients go on from there, others ask.
  private func stands(_ answer: Answer, _ upload: inout UploadProgress) -> Step {
    guard takeOffset(of: answer, &upload) else { return .over }
    return generator.oneIn(2) ? .goesOn : .lost
  }

  /// Judges what an answer says of where an upload stands, and goes on from there; false when it cannot be.
  private func takeOffset(of answer: Answer, _ upload: inout UploadProgress) -> Bool {
    guard let offset = offset(of: answer, in: upload) else { return false }
    let floor = floor(of: upload)
    if offset > upload.sent { ledger.fail("an upload stands at \(offset), and \(upload.sent) bytes were sent") }
    if offset < floor { ledger.fail("an upload stands at \(offset), and \(floor) bytes were acknowledged") }
    upload.offset = offset
    upload.location = answer.reply.first("Location") ?? upload.location
    return !ledger.isFailed
  }

  /// The offset that an answer tells, in the header of ours and in `Range` alike.
  private func offset(of answer: Answer, in upload: UploadProgress) -> Int? {
    guard let exact = answer.reply.first("Gantry-Upload-Offset").flatMap({ Int($0) }) else {
      ledger.fail("an answer about an upload without its offset")
      return nil
    }
    let range = answer.reply.first("Range")
    if range != "0-\(max(exact, 1) - 1)" { ledger.fail("an upload at \(exact) has Range \(range ?? "none")") }
    return exact
  }
}
