// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
public import GantryStorage
import GantryWorld
import Synchronization

/// The contract of a storage engine in executable form: every engine passes every case.
public enum StorageConformance {
  /// All cases.
  public static let cases: [ConformanceCase] =
    ingestCases + leaseCases + linkCases + manifestCases + tagCases + listCases + purgeCases + troubleCases

  /// Runs a case on a fresh engine, which is started and stopped here, and checks that nothing is left behind.
  public static func run(_ conformanceCase: ConformanceCase, on subject: ConformanceSubject) async throws {
    let others = Others()
    var observed = subject
    if let makeSecond = subject.makeSecond {
      observed.makeSecond = {
        let second = makeSecond()
        others.engines.withLock { $0.append(second) }
        return second
      }
    }
    try await subject.engine.start()
    do {
      try await conformanceCase.body(observed)
    } catch {
      // What the case found is what is to be told.
      for engine in others.engines.withLock({ $0 }) + [subject.engine] { try? await engine.stop() }
      throw error
    }
    for engine in others.engines.withLock({ $0 }) + [subject.engine] { try await engine.stop() }
    let leftovers = subject.leftovers()
    try check(leftovers.isEmpty, "left behind: \(leftovers)")
  }
}

/// The engines that a case has made beside the first.
private final class Others: Sendable {
  let engines = Mutex<[any StorageEngine]>([])
}

/// One promise of the contract.
public struct ConformanceCase: Sendable, CustomStringConvertible {
  /// What is promised.
  public let name: String
  let body: @Sendable (ConformanceSubject) async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (ConformanceSubject) async throws -> Void) {
    self.name = name
    self.body = body
  }

  /// The name.
  public var description: String { name }
}

/// What a case is run on.
public struct ConformanceSubject: Sendable {
  /// The engine, fresh, on an empty storage, not started.
  public var engine: any StorageEngine
  /// Another engine on the same storage, as another process has it, not started; nil when the storage cannot be shared.
  public var makeSecond: (@Sendable () -> any StorageEngine)?
  /// What must not be there when all sessions have ended and all engines have stopped: sessions, temporary files, a
  /// journal, open files, locks.
  public var leftovers: @Sendable () -> [String]
  /// Makes the storage fail, for the cases that are about that; nil leaves them out.
  public var trouble: (any ConformanceTrouble)?

  /// Makes a subject.
  public init(
    engine: any StorageEngine, makeSecond: (@Sendable () -> any StorageEngine)? = nil,
    trouble: (any ConformanceTrouble)? = nil, leftovers: @escaping @Sendable () -> [String] = { [] }
  ) {
    self.engine = engine
    self.makeSecond = makeSecond
    self.trouble = trouble
    self.leftovers = leftovers
  }
}

/// A promise that was not kept.
public struct ConformanceFailure: Error, CustomStringConvertible {
  /// What went wrong, and where it was checked.
  public let description: String
}

func check(_ condition: Bool, _ message: String, file: String = #fileID, line: Int = #line) throws {
  if !condition { throw ConformanceFailure(description: "\(message) (\(file):\(line))") }
}

func checkEqual<T: Equatable>(_ left: T, _ right: T, file: String = #fileID, line: Int = #line) throws {
  try check(left == right, "found \(left), wanted \(right)", file: file, line: line)
}

func checkThrows(
  _ expected: StorageError, file: String = #fileID, line: Int = #line, _ body: () async throws(StorageError) -> Void
) async throws {
  do throws(StorageError) {
    try await body()
  } catch {
    return try check(error == expected, "threw \(error), not \(expected)", file: file, line: line)
  }
  throw ConformanceFailure(description: "did not throw \(expected) (\(file):\(line))")
}

/// Bytes that tell places apart: a stretch of prime length, over and over.
func pattern(_ count: Int, _ seed: Int = 0) -> [UInt8] {
  let stretch = (0..<1021).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &* 7 &+ seed) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + stretch.count)
  while bytes.count < count { bytes += stretch }
  bytes.removeLast(bytes.count - count)
  return bytes
}

/// As ``checkEqual(_:_:file:line:)`` for long content, compared by digest.
func checkSame(_ left: [UInt8]?, _ right: [UInt8], file: String = #fileID, line: Int = #line) throws {
  let found = left.map { "\($0.count) bytes, \(Digest(of: $0))" } ?? "nothing"
  try checkEqual(found, "\(right.count) bytes, \(Digest(of: right))", file: file, line: line)
}

extension Digest {
  init(of bytes: [UInt8], _ algorithm: DigestAlgorithm = .sha256) {
    self.init(algorithm: algorithm, bytes: digest(bytes, algorithm == .sha256 ? .sha256 : .sha512))
  }
}

func repository(_ text: String) throws -> RepositoryName { try RepositoryName(parsing: text) }

func tag(_ text: String) throws -> Tag { try Tag(parsing: text) }

/// The `number`th session identifier.
func upload(_ number: Int) -> UploadID {
  UploadID(uuidBytes: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * (15 - $0))) })
}

extension StorageEngine {
  /// Stores a blob in one go.
  @discardableResult
  func push(_ bytes: [UInt8], number: Int, to repository: RepositoryName) async throws -> Digest {
    let session = try await beginIngest(upload(number), in: repository, algorithm: .sha256)
    _ = try await session.append(bytes)
    try await session.commit(as: Digest(of: bytes))
    return Digest(of: bytes)
  }

  /// Reads a blob whole; nil when the repository has none.
  func content(_ digest: Digest, in repository: RepositoryName) async throws -> [UInt8]? {
    guard let blob = try await blob(digest, in: repository) else { return nil }
    switch blob.content {
    case .bytes(let bytes): return bytes
    case .file(let file): return try file.read(Int(blob.size) + 1, at: 0)
    }
  }

  /// Stores a manifest.
  @discardableResult
  func push(manifest text: String, subject: Digest? = nil, to repository: RepositoryName) async throws -> Digest {
    let bytes = Array(text.utf8)
    try await putManifest(bytes, digest: Digest(of: bytes), subject: subject, in: repository)
    return Digest(of: bytes)
  }
}
