// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// An upload in random chunks that goes on whatever is done to it, and judges every offset that it is told.
struct StubbornUpload {
  /// What befalls a chunk on its way.
  enum Fate: CaseIterable { case arrives, isCut, isKilled }

  let bytes: [UInt8]
  let repository: String
  let endpoint: Endpoint
  /// Kills a server at once and starts it again.
  let kill: () throws -> Void
  /// Waits a moment for nothing to happen.
  let pause: () -> Void
  /// Offsets, and answers that were no offset, that were not what they should have been.
  private(set) var lies: [String] = []
  /// How often: offsets judged, chunks sent whole, cut and killed, answers that said to come again.
  private(set) var counts: [String: Int] = [:]
  private var dice: Dice
  private var location = ""
  /// What the server has said that it has: it never has less again.
  private var promised = 0
  /// The end of the last byte that was ever sent: the server never has more.
  private var sent = 0

  init(
    _ bytes: [UInt8], to repository: String, at endpoint: Endpoint, seed: UInt64, pause: @escaping () -> Void,
    kill: @escaping () throws -> Void
  ) {
    self.bytes = bytes
    self.repository = repository
    self.endpoint = endpoint
    dice = Dice(seed)
    self.pause = pause
    self.kill = kill
  }

  /// Uploads everything with so many cuts and kills, and commits. Returns the digest.
  mutating func run(cuts: Int, kills: Int, steps: Int) throws -> String {
    var fates = Array(repeating: Fate.arrives, count: steps)
    for index in 0..<cuts { fates[index] = .isCut }
    for index in 0..<kills { fates[cuts + index] = .isKilled }
    fates.shuffle(using: &dice)
    let opened = try patiently { [repository] in try $0.send("POST", "/v2/\(repository)/blobs/uploads/") }
    guard opened.status == 202 else { throw HarnessError("POST: \(opened)") }
    location = targetOf(opened["Location"] ?? "")
    judge(opened, "POST")
    for (index, fate) in fates.enumerated() {
      let rest = bytes.count - promised
      let fair = Double(rest) / Double(steps - index)
      // Something is left for each step to come.
      let size = max(2, min(Int(fair * .random(in: 0.2...1.8, using: &dice)), rest - 2 * (steps - index)))
      try sendChunk(size, fate)
    }
    while promised < bytes.count { try sendChunk(bytes.count - promised, .arrives) }
    return try commit()
  }

  private mutating func sendChunk(_ size: Int, _ fate: Fate) throws {
    let range = promised..<(promised + size)
    // With Content-Range, or by the state that the Location holds.
    let isRanged = dice.once(in: 2)
    let fields = isRanged ? [("Content-Range", "\(range.lowerBound)-\(range.upperBound - 1)")] : []
    counts["\(fate)", default: 0] += 1
    if fate == .arrives {
      sent = max(sent, range.upperBound)
      let response: Response
      do {
        response = try HTTPClient(endpoint).send("PATCH", location, fields, body: Array(bytes[range]))
      } catch {
        lies.append("PATCH \(range): \(error)")
        return try askAgain()
      }
      switch response.status {
      case 202:
        judge(response, "PATCH \(range)", isExactly: range.upperBound)
        location = targetOf(response["Location"] ?? "")
      // 409: a proxy has handed a request that was cut to another server, later than this one.
      case 409, 416, 429, 502:
        counts["\(response.status)", default: 0] += 1
        if response.status == 416 { judge(response, "PATCH \(range)") } else { pause() }
        try askAgain()
      default:
        lies.append("PATCH \(range): \(response)")
        try askAgain()
      }
      return
    }
    let part = Int.random(in: 0..<size, using: &dice)
    sent = max(sent, range.lowerBound + part)
    let connection = try Connection(to: endpoint)
    let more = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    let head = "PATCH \(location) HTTP/1.1\r\nHost: x\r\n\(more)Content-Length: \(size)\r\n\r\n"
    try connection.send(Array(head.utf8) + bytes[range].prefix(part))
    if fate == .isKilled { try kill() }
    if dice.once(in: 2) { connection.reset() } else { connection.shut() }
    try askAgain()
  }

  /// Asks where the upload stands, as a client does that heard nothing.
  private mutating func askAgain() throws {
    let status = try patiently { [location] in try $0.send("GET", location) }
    guard status.status == 204 else { throw HarnessError("GET after \(promised) of \(sent): \(status)") }
    judge(status, "GET")
    location = targetOf(status["Location"] ?? "")
  }

  /// An answer tells what is there: never less than was promised, never more than was sent.
  private mutating func judge(_ response: Response, _ what: String, isExactly: Int? = nil) {
    counts["offsets", default: 0] += 1
    guard let offset = response["Gantry-Upload-Offset"].flatMap({ Int($0) }) else {
      lies.append("\(what): no offset: \(response)")
      return
    }
    if offset < promised { lies.append("\(what): \(offset) is less than \(promised)") }
    if offset > sent { lies.append("\(what): \(offset) is more than the \(sent) that were sent") }
    if let isExactly, offset != isExactly { lies.append("\(what): \(offset) instead of \(isExactly)") }
    if response["Range"] != "0-\(max(0, offset - 1))" { lies.append("\(what): \(response)") }
    promised = offset
  }

  private mutating func commit() throws -> String {
    let digest = Algorithm.sha256.digest(bytes)
    let done = try patiently { [location] in try $0.send("PUT", location.adding("digest=\(digest)")) }
    if done.status != 201 { lies.append("PUT: \(done)") }
    return digest
  }

  /// Asks until the answer is one of the registry, and not of a proxy whose server is away or of a lease that is held.
  private mutating func patiently(_ ask: (HTTPClient) throws -> Response) throws -> Response {
    for _ in 0..<200 {
      do {
        let response = try ask(HTTPClient(endpoint))
        guard [429, 502, 503, 504].contains(response.status) else { return response }
        counts["\(response.status)", default: 0] += 1
      } catch {
        counts["no answer", default: 0] += 1
      }
      pause()
    }
    return try ask(HTTPClient(endpoint))
  }
}
