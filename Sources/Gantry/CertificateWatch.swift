// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryTLS
internal import GantryWorld
internal import Logging

/// Reads the files of TLS again when they change, or when it is asked to. Connections under way go on as they are; the
/// next one meets what is new. Where those files changed that say which clients are trusted, whoever acts on it is
/// told.
///
/// Files that cannot be used are told of once, and what was served before is served on: a certificate that is being
/// replaced must not take the registry off the network.
actor CertificateWatch {
  private let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let world: World
  private let files: TLSFiles
  private let tickets: TicketKeys
  private let current: CurrentTLSContext
  private let logger: Logger
  /// How the files stood when they were read last.
  private var read: [FileStatus?]
  /// How they stood at the last look: they are read once they have not changed for one look, because a certificate and
  /// its key are two files.
  private var looked: [FileStatus?]
  /// How those stood of them that say which clients are trusted.
  private var trusted: [FileStatus?]
  private var trustChanged: @Sendable () async -> Void = {}
  private var reminded: Int64
  /// Until when lists that ran out were told of.
  private var revocationsSeen: WallTime
  private var isAsked = false
  private var isStopped = false
  private var timer: (any LoopTimer)?
  private var running: LoopTask?

  /// How often the files are looked at.
  private static let interval = Duration.seconds(1)
  /// How often a certificate that is about to end is spoken of.
  private static let reminderSeconds: Int64 = 86_400

  /// Reads the files for the first time.
  static func reading(
    _ files: TLSFiles, world: World, logger: Logger
  ) async throws(TLSFiles.Fault) -> (watch: CertificateWatch, current: CurrentTLSContext) {
    let tickets = TicketKeys(clock: world.clock)
    let statuses = files.statuses(world.files)
    let context = try await context(of: files, tickets, world)
    for notice in context.notices { logger.warning("\(notice)") }
    let current = CurrentTLSContext(context)
    let watch = CertificateWatch(files, tickets, current, statuses, world: world, logger: logger)
    return (watch, current)
  }

  private init(
    _ files: TLSFiles, _ tickets: TicketKeys, _ current: CurrentTLSContext, _ statuses: [FileStatus?], world: World,
    logger: Logger
  ) {
    loop = world.loops[0]
    self.world = world
    self.files = files
    self.tickets = tickets
    self.current = current
    self.logger = logger
    read = statuses
    looked = statuses
    trusted = files.clientStatuses(world.files)
    reminded = world.clock.now.seconds
    revocationsSeen = world.clock.now
  }

  /// Begins to look. `trustChanged` is called when other clients are trusted than before.
  func start(trustChanged: @escaping @Sendable () async -> Void) {
    self.trustChanged = trustChanged
    schedule()
  }

  /// Reads the files now, whether they have changed or not.
  func reload() {
    isAsked = true
    if running == nil, !isStopped { begin() }
  }

  /// Ends; what is under way is waited for.
  func stop() async {
    isStopped = true
    timer?.cancel()
    timer = nil
    await running?.value
  }

  private func schedule() {
    guard !isStopped else { return }
    timer = loop.clock.after(Self.interval) { [weak self] in
      self?.assumeIsolated { $0.lookAround() }
    }
  }

  private func lookAround() {
    remind()
    let now = files.statuses(world.files)
    let isSettled = now == looked
    looked = now
    if isSettled, now != read { begin() } else { schedule() }
  }

  private func begin() {
    timer?.cancel()
    timer = nil
    running = spawn(on: loop) {
      await self.readAnew()
      await self.end()
    }
  }

  private func end() {
    running = nil
    if isAsked, !isStopped { begin() } else { schedule() }
  }

  private func readAnew() async {
    isAsked = false
    // Before they are read: what changes meanwhile shows at the next look.
    read = files.statuses(world.files)
    looked = read
    let newTrusted = files.clientStatuses(world.files)
    do {
      let context = try await Self.context(of: files, tickets, world)
      current.value = context
      logger.info("the certificates were read anew; new connections are served with them")
      for notice in context.notices { logger.warning("\(notice)") }
      reminded = world.clock.now.seconds
      revocationsSeen = world.clock.now
      guard newTrusted != trusted else { return }
      trusted = newTrusted
      logger.info("other clients' certificates are trusted or revoked: connections that show one are ended")
      await trustChanged()
    } catch {
      logger.error("the certificates on disk cannot be used, those from before are served on: \(error.explanation)")
    }
  }

  /// Speaks once a day of a certificate that is about to end, and of a list of revoked ones when it runs out and once a
  /// day from then on: nobody else would tell why all clients of an authority are refused.
  private func remind() {
    let now = world.clock.now.seconds
    let isDue = now - reminded >= Self.reminderSeconds
    remindOfRevocations(all: isDue)
    guard isDue else { return }
    reminded = now
    guard let end = current.value.expiry, end.seconds - now < TLSNotice.soonSeconds else { return }
    logger.warning("the first of the certificates ends at \(end.rfc3339): renew it")
  }

  private func remindOfRevocations(all: Bool) {
    let now = world.clock.now
    for notice in current.value.revocationsDue {
      guard case .revocationsOutdated(_, let due) = notice, due <= now, all || due > revocationsSeen else { continue }
      logger.warning("\(notice)")
    }
    revocationsSeen = max(now, revocationsSeen)
  }

  private static func context(
    of files: TLSFiles, _ tickets: TicketKeys, _ world: World
  ) async throws(TLSFiles.Fault) -> TLSContext {
    let (disk, now) = (world.files, world.clock.now)
    return try await world.workers.run { () throws(TLSFiles.Fault) in
      try files.context(disk, tickets: tickets, now: now)
    }
  }
}
