// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryFilesystemStorage
internal import GantryMonitoring
internal import GantryRegistry
internal import GantryRegistryAPI
internal import GantryServer
internal import GantryStorage
internal import GantryTelemetry
internal import GantryWorld

/// The page of metrics: asks every part of a host what it counted, at the moment of the scrape. docs/MONITORING.md
/// lists the names.
struct MetricsPage: Sendable {
  /// Who is asked.
  struct Sources: Sendable {
    let group: LoopGroup
    let service: RegistryService
    let server: HTTPServer
    /// Nil for a storage without a journal.
    let filesystem: FilesystemStorage?
    /// The label `driver`.
    let storageName: String
    let log: HostLog
  }

  private let sources: Sources
  private let monitoring: HostMonitoring

  init(_ sources: Sources, monitoring: HostMonitoring) {
    self.sources = sources
    self.monitoring = monitoring
  }

  /// The page now.
  func text() async -> [UInt8] {
    var text = MetricsText()
    text.family("gantry_build_info", .gauge, "Always 1; the label tells the version that runs.")
    text.sample(UInt64(1), ["version": GantryVersion.text])
    monitoring.requestMeasures.write(to: &text, .api)
    writeActions(to: &text)
    writeCaches(await sources.service.cacheMeasures(), to: &text)
    await writeLoops(to: &text)
    writeWorkers(to: &text)
    await writeStorage(to: &text)
    writeLogs(to: &text)
    writeState(to: &text)
    let files = sources.group.world.files
    // Not on a worker: the page is wanted most when all of them wait for a disk.
    (await sources.group.errands.run { ProcessMeasures(files) }).write(to: &text)
    return text.bytes
  }

  private func writeActions(to text: inout MetricsText) {
    text.family(
      "registry_storage_action_seconds", .histogram, "The number of seconds that the storage action takes.")
    for (action, histogram) in monitoring.actionMeasures {
      text.sample(histogram, ["action": action.rawValue, "driver": sources.storageName])
    }
  }

  /// Under Distribution's names of both generations, and with more under ours.
  private func writeCaches(_ cache: CacheMeasures, to text: inout MetricsText) {
    let hits = cache.manifestHits &+ cache.blobHits
    let misses = cache.manifestMisses &+ cache.blobMisses
    text.family("registry_storage_cache_requests_total", .counter, "The number of cache requests received.")
    text.sample(hits &+ misses)
    text.family("registry_storage_cache_hits_total", .counter, "The number of cache requests that were hits.")
    text.sample(hits)
    text.family("registry_storage_cache_errors_total", .counter, "Always 0: the cache is in memory and cannot fail.")
    text.sample(UInt64(0))
    text.family("registry_storage_cache_total", .counter, "The number of cache requests, as Distribution 2.8 has it.")
    for (type, count) in [("Request", hits &+ misses), ("Hit", hits), ("Miss", misses)] {
      text.sample(count, ["type": type])
    }
    text.family("gantry_cache_requests_total", .counter, "Looks into the caches of the loops.")
    for (kind, result, count) in [
      ("manifest", "hit", cache.manifestHits), ("manifest", "miss", cache.manifestMisses),
      ("blob", "hit", cache.blobHits), ("blob", "miss", cache.blobMisses),
    ] {
      text.sample(count, ["kind": kind, "result": result])
    }
    text.family("gantry_cache_entries", .gauge, "What the caches of the loops hold.")
    text.sample(Double(cache.manifests), ["kind": "manifest"])
    text.sample(Double(cache.openBlobs), ["kind": "blob"])
    text.family("gantry_cache_manifest_bytes", .gauge, "Memory that the cached manifests take.")
    text.sample(Double(cache.manifestBytes))
  }

  private func writeLoops(to text: inout MetricsText) async {
    let connections = await sources.server.connectionMeasures()
    text.family("gantry_connections_open", .gauge, "Connections of clients, by loop.")
    for (loop, measures) in connections.enumerated() { text.sample(Double(measures.open), ["loop": "\(loop)"]) }
    text.family("gantry_connections_accepted_total", .counter, "Connections that were taken.")
    text.sample(connections.reduce(0) { $0 &+ $1.accepted })
    text.family("gantry_connections_refused_total", .counter, "Connections that were sent away: there were too many.")
    text.sample(connections.reduce(0) { $0 &+ $1.refused }, ["reason": "all"])
    text.sample(connections.reduce(0) { $0 &+ $1.refusedOfAddress }, ["reason": "address"])
    let lags = await monitoring.lags()
    text.family("gantry_loop_lag_seconds", .histogram, "How late a loop came to what was due.")
    for (loop, lag) in lags.enumerated() { text.sample(lag.lags, ["loop": "\(loop)"]) }
    text.family("gantry_loop_lag_max_seconds", .gauge, "The latest that a loop came within the last minute.")
    for (loop, lag) in lags.enumerated() { text.sample(Double(lag.largest) / 1e9, ["loop": "\(loop)"]) }
  }

  private func writeWorkers(to text: inout MetricsText) {
    let workers = sources.group.workerMeasures
    text.family("gantry_workers", .gauge, "Threads for disk work and hashing.")
    text.sample(Double(workers.busy), ["state": "busy"])
    text.sample(Double(max(0, workers.threads - workers.busy)), ["state": "idle"])
    text.family("gantry_workers_queue", .gauge, "Work that waits for a thread.")
    text.sample(Double(workers.waiting))
  }

  private func writeStorage(to text: inout MetricsText) async {
    text.family("gantry_uploads_active", .gauge, "Uploads that requests work on at this moment.")
    text.sample(Double(await sources.service.activeUploads()))
    let (syncs, counts) = (sources.group.syncs, sources.group.syncs.counts)
    text.family("gantry_sync_seconds", .histogram, "Syncs of the disk.")
    text.sample(
      Histogram(
        HistogramScale(bounds: syncs.boundsNanoseconds, unitsPerOne: 1_000_000_000), counts: counts.buckets,
        sum: counts.nanoseconds))
    text.family("gantry_sync_failures_total", .counter, "Syncs of the disk that failed.")
    text.sample(counts.failures)
    guard let filesystem = sources.filesystem else { return }
    let pending = await filesystem.journalPending()
    text.family("gantry_journal_records", .gauge, "Changes that are durable in the journal and not in place yet.")
    text.sample(Double(pending.records))
    text.family("gantry_journal_bytes", .gauge, "Bytes of content in those changes.")
    text.sample(Double(pending.bytes))
  }

  private func writeLogs(to text: inout MetricsText) {
    text.family("gantry_log_dropped_lines_total", .counter, "Lines that were dropped because a stream was too slow.")
    for (stream, count) in sources.log.droppedLines { text.sample(count, ["log": stream]) }
  }

  private func writeState(to text: inout MetricsText) {
    text.family("gantry_ready", .gauge, "1 while new work is wanted, 0 once the registry drains.")
    text.sample(UInt64(monitoring.readiness.phase == .ready ? 1 : 0))
    text.family("gantry_health_checks_failing", .gauge, "Health checks that fail.")
    text.sample(Double(monitoring.health.all.count))
  }
}
