// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPatterns

/// What waits, in turns by where it comes from: sites take turns, and within a site its clients do.
///
/// Whoever has a whole net of IPv6 has as many clients as it likes, and yet no more turns than anybody else.
struct FairQueue<Job> {
  /// Where a job comes from. Jobs without an address share one place.
  typealias Place = NetworkAddress?

  private struct Site {
    var jobs: [Place: [Job]] = [:]
    /// The clients that something waits of, in the order of their turns.
    var turns: [Place] = []
    var count = 0
  }

  private var sites: [Place: Site] = [:]
  /// The sites that something waits of, in the order of their turns.
  private var turns: [Place] = []

  /// How many jobs wait.
  private(set) var count = 0

  /// How many jobs of this client wait.
  func count(ofClient place: Place) -> Int { sites[place?.site]?.jobs[place?.client]?.count ?? 0 }

  /// How many jobs of this client's site wait.
  func count(ofSite place: Place) -> Int { sites[place?.site]?.count ?? 0 }

  /// How many jobs wait of the site that most wait of.
  var countOfLargestSite: Int { sites.values.reduce(0) { max($0, $1.count) } }

  mutating func append(_ job: Job, from place: Place) {
    let (name, client) = (place?.site, place?.client)
    var site = sites.removeValue(forKey: name) ?? Site()
    if site.count == 0 { turns.append(name) }
    if site.jobs[client] == nil { site.turns.append(client) }
    site.jobs[client, default: []].append(job)
    site.count += 1
    sites[name] = site
    count += 1
  }

  /// Takes the oldest job of the client whose turn it is; it and its site then wait behind the others.
  mutating func next() -> Job? {
    guard !turns.isEmpty else { return nil }
    let name = turns.removeFirst()
    guard var site = sites.removeValue(forKey: name), !site.turns.isEmpty else {
      preconditionFailure("a turn without a site")
    }
    let client = site.turns.removeFirst()
    guard var jobs = site.jobs.removeValue(forKey: client), !jobs.isEmpty else {
      preconditionFailure("a turn without a job")
    }
    let job = jobs.removeFirst()
    if !jobs.isEmpty {
      site.jobs[client] = jobs
      site.turns.append(client)
    }
    site.count -= 1
    count -= 1
    if site.count > 0 {
      sites[name] = site
      turns.append(name)
    }
    return job
  }

  /// Takes the newest job away from whom most waits of: of the largest site, its client with the most jobs.
  mutating func dropNewestOfLargest() -> Job? {
    // By the order of turns, so that it is the same in each run of a simulated history.
    guard let name = turns.max(by: { count(of: $0) < count(of: $1) }), var site = sites.removeValue(forKey: name)
    else { return nil }
    let largest = site.turns.max { site.jobs[$0, default: []].count < site.jobs[$1, default: []].count }
    guard let client = largest, var jobs = site.jobs.removeValue(forKey: client), let job = jobs.popLast() else {
      preconditionFailure("a site without a job")
    }
    if jobs.isEmpty {
      site.turns.removeAll { $0 == client }
    } else {
      site.jobs[client] = jobs
    }
    site.count -= 1
    count -= 1
    if site.count > 0 {
      sites[name] = site
    } else {
      turns.removeAll { $0 == name }
    }
    return job
  }

  private func count(of site: Place) -> Int { sites[site]?.count ?? 0 }
}
