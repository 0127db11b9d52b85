// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryLimiting
internal import GantryWorld

/// One HTTP/2 connection: many requests at once over one stream of bytes.
///
/// Isolation: lives on the loop that its stream belongs to. No task belongs to it: tasks of the table read what has
/// come, answer each request, and write what there is to say, each for as long as there is something to do; an idle
/// connection is its session and its socket. Reading never waits for writing, so that a client which is slow to take
/// responses still gets its windows opened and its resets heard.
actor HTTP2Connection {
  /// Where the connection stands.
  enum Phase {
    case open
    /// Our last frames are said: what still comes is dropped until the client closes too.
    case lingering(until: LoopInstant)
    case closed
  }

  /// A piece of work for a task of the table.
  private enum Job {
    case serve(HTTP2Exchange)
    /// Have the next part of a file in memory.
    case prepare(HTTP2Exchange)
    case write
  }

  private let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let stream: any ByteStream
  let session: HTTP2Session
  let shared: ConnectionTable.Shared
  private unowned let table: ConnectionTable
  private let identity: (UInt64, UInt64)
  /// What it is counted as, of its address.
  nonisolated let place: ConnectionLimiter.Place?
  private var served: UInt64
  /// Requests that were numbered before it was known that it is HTTP/2.
  private let servedBefore: UInt64
  var date = ResponseDate()

  var phase = Phase.open
  /// Whether the server stops soon, and the first request of the connection is still to come.
  private var awaitsLastRequest = false
  private var isDraining = false
  private var drainTimer: (any LoopTimer)?
  /// What came before it was known that it is HTTP/2.
  private var early: [UInt8]
  var exchanges: [Int32: HTTP2Exchange] = [:]
  /// How many exchanges are answered that may be answered from a file, and those that wait for their turn.
  private var fileExchanges = 0
  private var waitingForFiles: [HTTP2Exchange] = []
  /// Whether one of them was answered since somebody who writes looked.
  private var hasAnsweredWaiting = false
  private var jobs: [Job] = []
  var isWriting = false
  private var isWriteQueued = false
  /// Whether no task reads, or will.
  private var isParked = false
  /// Since when the session is one that was ended for what the client did.
  var endedSince: LoopInstant?

  var idleSince: LoopInstant
  var sectionSince: LoopInstant?
  /// What the client had taken when it was last looked at, and when that grew.
  var sentSeen: UInt64 = 0
  var sentSeenAt: LoopInstant?

  /// What is read at a time.
  private static let readBytes = 64 << 10
  /// Reads before other connections have a turn.
  private static let readsPerTurn = 16
  /// What is written at a time.
  private static let writeBytes = 128 << 10
  /// Payload of a frame that fits into one record of TLS with its header.
  private static let securePayloadBytes = (16 << 10) - 9
  /// How long a client may take to acknowledge that we are going away before it is taken as read.
  private static let pongTimeout = Duration.seconds(1)

  init(
    _ handOver: HandOver, on loop: any LoopExecutor, of table: ConnectionTable, serving shared: ConnectionTable.Shared
  ) {
    self.loop = loop
    self.table = table
    self.shared = shared
    stream = handOver.stream
    early = handOver.bytes
    identity = handOver.identity
    served = handOver.served
    place = handOver.place
    servedBefore = handOver.served
    session = HTTP2Session(limits: shared.limits.http2, wire: shared.limits.wire)
    // A client can use a frame when its record is there.
    if stream.security != nil { session.framePayloadMax = Self.securePayloadBytes }
    idleSince = loop.clock.now
  }

  /// Whether a request has come.
  var hasServed: Bool { served != servedBefore }

  /// Its place among the connections of its process, by age.
  nonisolated var number: UInt64 { identity.1 }

  // MARK: Reading

  /// How serving what had come ended.
  enum Outcome {
    /// Nothing more has come: serve again when the stream is readable.
    case waits
    /// The connection is closed; the table is told when the last request under way has ended.
    case parked
    /// The connection is closed and nothing is under way.
    case ended
  }

  /// Takes in what has come.
  func serveArrived() async -> Outcome {
    var buffer = early
    early = []
    var reads = 0
    while case .open = phase, session.ending == nil {
      if reads == Self.readsPerTurn {
        await letOthersGoFirst()
        reads = 0
        continue
      }
      reads += 1
      if buffer.isEmpty {
        guard let count = read(into: &buffer) else { return .waits }
        guard count > 0 else { break }
      }
      session.receive(buffer, now: loop.clock.now.nanoseconds)
      buffer.removeAll(keepingCapacity: true)
      takeEvents()
      if session.wantsWrite { askToWrite() }
    }
    if mayLinger, dropArrived(&buffer) { return .waits }
    close(.disconnected)
    isParked = true
    return isDone ? .ended : .parked
  }

  /// Whether what still comes is to be dropped. Also while the farewell of a session that was ended waits to be taken:
  /// reading a flood on would cost as much as the flood.
  private var mayLinger: Bool {
    switch phase {
    case .open: session.ending != nil
    case .lingering: true
    case .closed: false
    }
  }

  /// Nil when nothing has come, 0 at the end.
  private func read(into buffer: inout [UInt8]) -> Int? {
    do throws(StreamError) {
      return try stream.readAvailable(into: &buffer, atMost: Self.readBytes)
    } catch {
      return 0
    }
  }

  /// Drops what still comes, some reads at a time; false at its end.
  private func dropArrived(_ buffer: inout [UInt8]) -> Bool {
    for _ in 0..<4 {
      buffer.removeAll(keepingCapacity: true)
      guard let count = read(into: &buffer) else { return true }
      if count == 0 { return false }
    }
    return true
  }

  private func letOthersGoFirst() async {
    let clock = loop.clock
    await withCheckedContinuation { continuation in
      _ = clock.after(.zero) { continuation.resume() }
    }
  }

  /// Calls `notify` when there is more to take in.
  func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) {
    stream.notifyWhenReadable(notify)
  }

  private func takeEvents() {
    while let event = session.nextEvent() {
      switch event {
      case .head(let stream, let head): begin(stream, head)
      case .malformed(let stream, let error): refuse(stream, error)
      case .body(let stream): exchanges[stream]?.bodyArrived()
      case .reset(let stream): cut(stream)
      case .pong: if isDraining { session.refuseNewStreams() }
      }
    }
    let isInSection = session.isInFieldSection
    if !isInSection { sectionSince = nil } else if sectionSince == nil { sectionSince = loop.clock.now }
  }

  // MARK: Exchanges

  private func newExchange(_ stream: Int32, _ head: RequestHead?) -> HTTP2Exchange {
    served &+= 1
    let id = RequestID(high: identity.0, low: identity.1 &+ served)
    let exchange = HTTP2Exchange(stream: stream, head: head, id: id, began: loop.clock.now)
    exchanges[stream] = exchange
    return exchange
  }

  private func begin(_ stream: Int32, _ head: RequestHead) {
    let exchange = newExchange(stream, head)
    if awaitsLastRequest {
      awaitsLastRequest = false
      drain()
    }
    if shared.responder.mayUseFile(head) {
      guard fileExchanges < shared.limits.filesPerConnectionMax else {
        exchange.isServed = false
        waitingForFiles.append(exchange)
        return
      }
      fileExchanges += 1
      exchange.mayUseFile = true
    }
    answer(exchange, head)
  }

  private func answer(_ exchange: HTTP2Exchange, _ head: RequestHead) {
    if let response = shared.responder.respondAtOnce(to: request(of: exchange, head)) {
      exchange.status = response.status
      if submit(response, for: exchange, to: head.method) {
        exchange.isServed = false
        return
      }
      exchange.response = response
    }
    jobs.append(.serve(exchange))
    table.assumeIsolated { $0.perform(jobOf: self) }
  }

  /// Answers the next of those that wait for a file, if there is one.
  private func answerNextOfFiles() {
    fileExchanges -= 1
    while fileExchanges < shared.limits.filesPerConnectionMax, !waitingForFiles.isEmpty {
      let exchange = waitingForFiles.removeFirst()
      guard let head = exchange.head, !exchange.isCut else { continue }
      fileExchanges += 1
      exchange.mayUseFile = true
      exchange.isServed = true
      hasAnsweredWaiting = true
      answer(exchange, head)
    }
  }

  private func request(of exchange: HTTP2Exchange, _ head: RequestHead) -> Request {
    let body = HTTP2RequestBody(
      of: exchange, framing: head.framing, session: session, connection: self, clock: loop.clock)
    return Request(head: head, body: body, peer: stream.peer, security: stream.security, id: exchange.id)
  }

  /// Does the oldest piece of work.
  func performJob() async {
    switch jobs.removeFirst() {
    case .serve(let exchange): await serve(exchange)
    case .prepare(let exchange): await prepare(exchange)
    case .write: await write()
    }
  }

  private func serve(_ exchange: HTTP2Exchange) async {
    guard let head = exchange.head else { return }
    // A client that has changed its mind already costs no more.
    if !exchange.isCut {
      let response: Response
      if let known = exchange.response.take() {
        response = known
      } else {
        response = await shared.responder.respond(to: request(of: exchange, head))
      }
      exchange.status = response.status
      if !exchange.isCut { await send(response, for: exchange, to: head.method) }
    }
    leave(exchange)
  }

  /// The task that worked for an exchange has done its part.
  private func leave(_ exchange: HTTP2Exchange) {
    exchange.isServed = false
    if exchange.isCut { complete(exchange, isComplete: false) }
  }

  /// Has a part of a file brought into memory that a frame had room for.
  private func prepare(_ exchange: HTTP2Exchange) async {
    await bringFile(of: exchange)
    leave(exchange)
  }

  /// Answers what could not be understood.
  private func refuse(_ stream: Int32, _ error: WireError) {
    let exchange = newExchange(stream, nil)
    exchange.isServed = false
    let response = shared.responder.respond(toMalformed: error, from: self.stream.peer, id: exchange.id)
    exchange.status = response.status
    if !submit(response, for: exchange, to: .get) { submit(response, for: exchange, length: 0, .none) }
  }

  private func cut(_ stream: Int32) {
    guard let exchange = exchanges[stream] else { return }
    if let failure = exchange.fileFailure { report(failure, of: exchange) }
    exchange.cut(isDraining ? .draining : .disconnected)
    if !exchange.isServed { complete(exchange, isComplete: false) }
  }

  /// An exchange has ended: its response has left, or nobody waits for it.
  private func complete(_ exchange: HTTP2Exchange, isComplete: Bool) {
    guard exchanges.removeValue(forKey: exchange.stream) != nil else { return }
    let now = loop.clock.now
    if let status = exchange.status {
      shared.responder.finished(
        ResponseOutcome(
          head: exchange.head, peer: stream.peer, requestID: exchange.id, status: status,
          bytesSent: session.bytesSent(exchange.stream), duration: now.duration(since: exchange.began),
          isComplete: isComplete))
    }
    session.release(exchange.stream)
    if exchange.mayUseFile {
      answerNextOfFiles()
    } else if !waitingForFiles.isEmpty {
      // Whoever asks and resets again and again must not leave its heads here.
      waitingForFiles.removeAll { $0 === exchange }
    }
    idleSince = now
    settle()
  }

  // MARK: Writing

  /// Has what there is to say written, after everything else that is ready now, so that many answers share a write.
  func askToWrite() {
    guard !isWriting, !isWriteQueued, case .open = phase else { return }
    isWriteQueued = true
    jobs.append(.write)
    table.assumeIsolated { $0.perform(jobOf: self) }
  }

  private func write() async {
    isWriteQueued = false
    guard !isWriting, case .open = phase else { return settle() }
    isWriting = true
    var output = writeBuffer()
    while case .open = phase {
      output.removeAll(keepingCapacity: true)
      session.produce(into: &output, atMost: Self.writeBytes)
      let finished = session.finishedStreams
      takeEvents()
      for stream in session.takeHungry() { exchanges[stream]?.roomArrived() }
      for stream in session.takeAbsent() { prepareSoon(stream) }
      if output.isEmpty {
        // The end of one exchange may have been the beginning of another, which nobody else writes now.
        guard hasAnsweredWaiting else { break }
        hasAnsweredWaiting = false
        continue
      }
      do throws(StreamError) {
        try await stream.write(output, more: false)
      } catch {
        close(.disconnected)
      }
      guard case .open = phase else { break }
      for stream in finished {
        if let exchange = exchanges[stream] { complete(exchange, isComplete: true) }
      }
    }
    giveBack(output)
    sentSeenAt = nil
    if case .open = phase, session.isOver { await beginLingering() }
    isWriting = false
    settle()
  }

  private func writeBuffer() -> [UInt8] { table.assumeIsolated { $0.takeWriteBuffer() } }

  private func giveBack(_ writeBuffer: consuming [UInt8]) {
    table.assumeIsolated { [writeBuffer] in $0.giveBack(writeBuffer: writeBuffer) }
  }

  private func prepareSoon(_ stream: Int32) {
    guard let exchange = exchanges[stream], !exchange.isCut else { return }
    // It is complete only after the worker, whatever the client does meanwhile.
    exchange.isServed = true
    jobs.append(.prepare(exchange))
    table.assumeIsolated { $0.perform(jobOf: self) }
  }

  /// Everything is said. The client reads to its end of stream; closing at once could reset the connection and destroy
  /// our last frames on their way.
  private func beginLingering() async {
    if let reason = session.ending?.reason ?? session.brokenRule.map({ "it broke HTTP/2 (code \($0))" }) {
      shared.report(.clientCutOff(stream.peer, reason: reason))
    }
    cutAll(.disconnected)
    phase = .lingering(until: loop.clock.now.advanced(by: shared.limits.lingerTimeout))
    await stream.finishWriting()
  }

  // MARK: The end

  private var isDone: Bool { exchanges.isEmpty && !isWriting && jobs.isEmpty }

  /// Tells the table when the connection is closed and the last request has ended.
  private func settle() {
    guard isParked, isDone else { return }
    table.assumeIsolated { $0.forget(self) }
  }

  private func cutAll(_ failure: BodyError) {
    // Before the first ends: they are cut with all others, not answered.
    waitingForFiles = []
    for exchange in exchanges.values.sorted(by: { $0.stream < $1.stream }) {
      exchange.cut(failure)
      if !exchange.isServed { complete(exchange, isComplete: false) }
    }
  }

  private func close(_ failure: BodyError) {
    if case .closed = phase { return }
    phase = .closed
    drainTimer?.cancel()
    drainTimer = nil
    stream.close()
    cutAll(isDraining ? .draining : failure)
  }

  /// Whether the client's certificate was verified, or is about to be.
  var showsCertificate: Bool {
    guard let stream = stream as? TLSStream else { return false }
    return stream.security?.isClientVerified ?? true
  }

  /// Ends it because its time has run out.
  func expire() {
    close(.stalled)
  }

  /// Closes at once, whatever is under way.
  func abort() {
    isDraining = true
    close(.draining)
  }

  /// The server stops soon: takes what is on its way and closes. A connection that has not asked for anything is new,
  /// and is answered first.
  func windDown() {
    if hasServed { drain() } else { awaitsLastRequest = true }
  }

  /// Takes no further request once those on their way have come (RFC 9113, 6.8), and closes when none is under way.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    // One that is over, and stays for a request that is still answered, has nobody to tell, and nothing that would end
    // its timer.
    guard case .open = phase else { return }
    session.announceShutdown()
    askToWrite()
    // Cancelled with the connection: the loop ends with its last one, and may not leave a timer behind.
    drainTimer = loop.clock.after(Self.pongTimeout) { [weak self] in
      self?.assumeIsolated { connection in
        connection.drainTimer = nil
        guard case .open = connection.phase else { return }
        connection.session.refuseNewStreams()
        connection.askToWrite()
      }
    }
  }
}
