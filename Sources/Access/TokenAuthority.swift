// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld
import Synchronization

/// Tells what tokens say: reads the files of trusted keys, has signatures checked, and remembers what was found right.
///
/// Isolation: shared by every loop. A token that was seen lately costs one look into a table under a lock; another one
/// is judged on a worker. The files are looked at once a second, so a key that was taken out of them counts no longer
/// than that, and with it every token that it has signed.
final class TokenAuthority: Sendable {
  private struct Known {
    var bundle: CertificateBundle?
    var keySet: KeySet?
    var verifier: TokenVerifier
    var lookedAt: WallTime
  }

  private struct State {
    var known: Known?
    /// Counts the sets of keys, so that what an older one found right is not remembered under a newer one.
    var generation: UInt64 = 0
    var cache = TokenCache()
  }

  private let method: TokenMethod
  private let world: World
  private let bundle: WatchedFile<CertificateBundle>?
  private let keySet: WatchedFile<KeySet>?
  private let checks: CheckQueue<Result<VerifiedToken, TokenFault>>
  private let state = Mutex(State())

  init(_ method: TokenMethod, world: World, report: @escaping @Sendable (AccessNotice) -> Void) {
    self.method = method
    self.world = world
    bundle = method.rootCertificates.map { WatchedFile($0, world: world, report: report) }
    keySet = method.keySet.map { WatchedFile($0, world: world, report: report) }
    checks = CheckQueue(
      workers: world.workers, runningMax: world.loops.count, on: world.loop(owning: "token checks")
    ) { result in if case .success = result { true } else { false } }
  }

  /// What the token says, if it counts here and now. Where it has to be judged, origins take turns.
  func verified(_ text: String, from origin: LoginOrigin?) async throws(AccessError) -> VerifiedToken {
    let now = world.clock.now
    if let token = remembered(text, at: now) { return try judged(token, at: now) }
    guard text.utf8.count <= TokenText.bytesMax else { throw .tokenRefused(.tooLong(bytesMax: TokenText.bytesMax)) }
    let (verifier, generation) = try await current(at: now)
    // The files may be as they were, and only not have been looked at for a second.
    if let token = remembered(text, at: now) { return try judged(token, at: now) }
    var key = digest(Array(text.utf8), .sha256)
    for shift in stride(from: 56, through: 0, by: -8) { key.append(UInt8(truncatingIfNeeded: generation >> shift)) }
    let outcome = await checks.answer(to: key, from: origin) { () -> Result<VerifiedToken, TokenFault> in
      do throws(TokenFault) { return .success(try verifier.verified(text, at: now)) } catch { return .failure(error) }
    }
    switch outcome {
    // Without a brake nobody is slowed down.
    case .busy, .slowedDown: throw .busy
    case .answer(.failure(let fault)): throw .tokenRefused(fault)
    case .answer(.success(let token)):
      state.withLock { state in
        if state.generation == generation { state.cache.keep(token, text, at: now) }
      }
      return try judged(token, at: now)
    }
  }

  /// What the token says, if that is remembered and counts now.
  func remembered(_ text: String) -> VerifiedToken? {
    let now = world.clock.now
    guard let token = remembered(text, at: now), token.fault(at: now) == nil else { return nil }
    return token
  }

  /// Reads the files of keys again, whether they seem to have changed or not.
  func reload() async throws(AccessError) {
    _ = try await look(at: world.clock.now)
  }

  private func judged(_ token: VerifiedToken, at now: WallTime) throws(AccessError) -> VerifiedToken {
    if let fault = token.fault(at: now) { throw .tokenRefused(fault) }
    return token
  }

  private func remembered(_ text: String, at now: WallTime) -> VerifiedToken? {
    state.withLock { state in
      guard let known = state.known, Self.isFresh(known, now) else { return nil }
      return state.cache.use(text, at: now)
    }
  }

  /// Whether the files were looked at less than a second ago.
  private static func isFresh(_ known: Known, _ now: WallTime) -> Bool {
    let end = WallTime(seconds: known.lookedAt.seconds + 1, nanoseconds: known.lookedAt.nanoseconds)
    return known.lookedAt <= now && now < end
  }

  private func current(at now: WallTime) async throws(AccessError) -> (TokenVerifier, UInt64) {
    let fresh = state.withLock { state -> (TokenVerifier, UInt64)? in
      guard let known = state.known, Self.isFresh(known, now) else { return nil }
      return (known.verifier, state.generation)
    }
    if let fresh { return fresh }
    return try await look(at: now)
  }

  private func look(at now: WallTime) async throws(AccessError) -> (TokenVerifier, UInt64) {
    let (certificates, set) = (try await bundle?.content(), try await keySet?.content())
    if let set, let flaw = set.flaw, let path = keySet?.path { throw .unusable(path: path, reason: flaw) }
    return try state.withLock { state throws(AccessError) in
      if var known = state.known, known.bundle === certificates, known.keySet === set {
        known.lookedAt = now
        state.known = known
        return (known.verifier, state.generation)
      }
      let keys = TokenKeys(certificates, set)
      if keys.isEmpty {
        throw .unusable(path: bundle?.path ?? keySet?.path ?? "", reason: "it holds no key that could be trusted")
      }
      let verifier = TokenVerifier(method: method, keys: keys)
      state.generation += 1
      state.cache.removeAll()
      state.known = Known(bundle: certificates, keySet: set, verifier: verifier, lookedAt: now)
      return (verifier, state.generation)
    }
  }
}
