// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// What one seed means: how many clients do what, and what befalls them. Operations and events are switched off or
/// weighted anew by each seed, so that rare combinations come up.
struct HistoryPlan: Sendable {
  /// What a client does next.
  enum Deed: CaseIterable {
    case pushWhole
    case pushInOneRequest
    case pushInChunks
    case pushStreamed
    case pushWrongDigest
    case resumeAbandoned
    case cancelAbandoned
    case mount
    case pullBlob
    case pushImage
    case pushManifest
    case pullManifest
    case listTags
    case deleteTag
    case deleteManifest
    case deleteBlob
    /// Many clients push the same blob at once.
    case herd
    /// One client mounts a blob while another deletes it.
    case mountDuringDelete
    /// One client commits an upload while another cancels it.
    case commitDuringCancel
    /// Two clients go on with one upload at the same time.
    case twoInOneUpload
    /// Some seconds pass.
    case wait
  }

  /// What befalls the servers.
  enum Event: CaseIterable {
    case kill
    case killInScript
    case powerCut
    case powerCutInScript
    /// All servers are killed, and the power is cut while they start again.
    case powerCutInStart
    case drain
    /// The kernel drops from memory what failed syncs have lost of uploads.
    case forgetUploads
    case faults
    case fullDisk
    /// The disk refuses for a while to give names in the tree to what is in the journal.
    case noNames
    case calm
    case cutConnections
    case stall
  }

  var clientCount: Int
  var deedsPerClient: Int
  var serverCount: Int
  var eventsMax: Int
  var stepsBetweenEvents: Int
  var deeds: [(deed: Deed, weight: Int)]
  var events: [(event: Event, weight: Int)]
  var resetOneIn: Int?
  var delay: ClosedRange<Duration>?
  var workerDelay: ClosedRange<Duration>?
  var cutOneIn: Int
  var interleavesScripts: Bool
  var reusesInodes: Bool
  var cutsPowerAtEnd: Bool
  /// After how many seconds the servers purge an upload; nil: never.
  var purgeAge: Int64?
  /// How soon checkpoints come: most histories are shorter than the usual interval.
  var checkpointInterval: Duration
  /// Of the acknowledged bytes of an upload a power cut takes fewer than these; none where they are 0.
  var uploadSyncBytes: UInt64
  /// Whether each server runs on a machine of its own.
  var hasMachines: Bool
  /// Whether all servers die in the end, and the kernel drops from memory what failed syncs have lost.
  var forgetsLostPages: Bool

  /// - Parameter bug: what is to be found; what it takes to be seen at all is what every such history has.
  init(_ generator: inout SplitMix64, toFind bug: PlantedBug? = nil) {
    clientCount = 1 + generator.below(4)
    deedsPerClient = 3 + generator.below(8)
    serverCount = generator.oneIn(4) ? 2 : 1
    eventsMax = generator.oneIn(8) ? 0 : 1 + generator.below(6)
    stepsBetweenEvents = [60, 200, 800][generator.below(3)]
    deeds = Self.weights(&generator)
    events = Self.weights(&generator)
    resetOneIn = generator.oneIn(3) ? 100 + generator.below(900) : nil
    delay = generator.oneIn(3) ? .zero ... .milliseconds(5) : nil
    workerDelay = generator.oneIn(3) ? .zero ... .milliseconds(8) : nil
    cutOneIn = [8, 30, 1_000_000][generator.below(3)]
    interleavesScripts = generator.oneIn(serverCount > 1 ? 2 : 4)
    reusesInodes = generator.oneIn(2)
    cutsPowerAtEnd = generator.oneIn(2)
    purgeAge = generator.oneIn(3) ? 1 + Int64(generator.below(6)) : nil
    checkpointInterval = [.seconds(10), .seconds(1), .milliseconds(100), .milliseconds(10)][generator.below(4)]
    uploadSyncBytes = [16 << 20, 0, 4_000, 50_000][generator.below(4)]
    forgetsLostPages = generator.oneIn(3)
    hasMachines = generator.oneIn(2)
    if let bug { favour(bug) }
  }

  private mutating func favour(_ bug: PlantedBug) {
    switch bug {
    case .sharesJournal:
      (serverCount, interleavesScripts, clientCount) = (2, true, max(clientCount, 3))
      events.append((.powerCut, weight: 10))
    case .losesMarks:
      deeds = [
        (.pushImage, weight: 2), (.pushManifest, weight: 4), (.deleteManifest, weight: 4), (.listTags, weight: 1),
      ]
      (events, eventsMax) = ([(.noNames, weight: 2), (.powerCut, weight: 1)], 10)
      checkpointInterval = .seconds(10)
    case .losesUploadMarks:
      deeds += [(.pushInChunks, weight: 20), (.resumeAbandoned, weight: 10)]
      events.append((.powerCut, weight: 20))
      uploadSyncBytes = min(uploadSyncBytes, 4_000)
    case .retriesFailedSyncs, .forgetsSuspicion:
      events += [(.faults, weight: 10), (.powerCut, weight: 10)]
      checkpointInterval = .milliseconds(10)
    case .sharesLeases:
      deeds.append((.twoInOneUpload, weight: 20))
      serverCount = 2
    case .swallowsTagFailure:
      deeds.append((.pushImage, weight: 10))
      events.append((.faults, weight: 20))
    case .takesTheDeadForLiving: events.append((.powerCutInScript, weight: 30))
    case .forgetsRetryAfter: events.append((.faults, weight: 20))
    case .stalls: deeds.append((.listTags, weight: 20))
    case .leavesTagsDangling: deeds += [(.pushImage, weight: 10), (.deleteManifest, weight: 10)]
    case .skipsStagingSync:
      deeds.append((.pushInOneRequest, weight: 20))
      events.append((.powerCutInScript, weight: 20))
    case .replaysOldRecords: (events, eventsMax) = ([(.powerCut, weight: 1)], 6)
    default: return
    }
  }

  /// Weights from none to much; some always stay.
  private static func weights<Choice: CaseIterable>(_ generator: inout SplitMix64) -> [(Choice, weight: Int)] {
    let choices = Array(Choice.allCases)
    var weighted = choices.map { ($0, weight: [0, 1, 1, 4, 10][generator.below(5)]) }
    if weighted.allSatisfy({ $0.weight == 0 }) { weighted[0].weight = 1 }
    return weighted
  }

  func nextDeed(_ generator: inout SplitMix64) -> Deed {
    Self.choose(deeds.map { ($0.deed, $0.weight) }, &generator)
  }

  func nextEvent(_ generator: inout SplitMix64) -> Event {
    Self.choose(events.map { ($0.event, $0.weight) }, &generator)
  }

  private static func choose<Choice>(_ weighted: [(Choice, Int)], _ generator: inout SplitMix64) -> Choice {
    var left = generator.below(weighted.reduce(0) { $0 + $1.1 })
    for (choice, weight) in weighted {
      if left < weight { return choice }
      left -= weight
    }
    preconditionFailure("the weights sum up to more than what was drawn")
  }
}
