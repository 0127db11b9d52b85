// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage
import GantryWorld
import Testing

@testable import GantryRegistryAPI

struct ErrorMappingTests {
  static let secretPath = "/var/lib/registry/secret/link"
  static let fault = FileError(.failed, operation: "fsync", path: secretPath, code: 5)

  @Test(arguments: [
    (StorageError.noSpace(fault), 507, "UNAVAILABLE", "60"), (.exhausted(fault), 503, "UNAVAILABLE", "1"),
    (.readOnly(fault), 503, "UNAVAILABLE", "60"), (.failed(fault), 503, "UNAVAILABLE", "5"),
    (.damaged("link \(secretPath)"), 500, "UNKNOWN", ""), (.sessionBusy, 429, "TOOMANYREQUESTS", "1"),
    (.sessionGone, 404, "BLOB_UPLOAD_UNKNOWN", ""),
  ])
  func faultsOfTheStorageAreOursAndTellNoPath(
    _ error: StorageError, _ status: Int, _ code: String, _ retryAfter: String
  ) {
    let refusal = Refusal(RegistryError.storage(error))
    #expect(refusal.status.code == UInt16(status))
    #expect(refusal.entries[0].code.rawValue == code)
    #expect(refusal.fields.first("Retry-After") ?? "" == retryAfter)
    let body = String(decoding: ErrorDocument(refusal.entries).render(), as: UTF8.self)
    #expect(!body.contains("/var/lib") && !body.contains("fsync") && !body.contains("errno"))
    if status >= 500 { #expect(refusal.cause?.contains(Self.secretPath) == true, "the log is told where") }
  }

  @Test func missingReferencesAreOneErrorEach() throws {
    let digests = try (0..<3).map { try Digest(parsing: "sha256:" + String(repeating: "\($0)", count: 64)) }
    let refusal = Refusal(.referencesMissing(digests))
    #expect(refusal.status == .badRequest)
    #expect(refusal.entries.map(\.code) == [.manifestBlobUnknown, .manifestBlobUnknown, .manifestBlobUnknown])
    #expect(refusal.entries.map(\.detail) == digests.map { .string($0.description) })
  }

  @Test(arguments: [
    (BodyError.disconnected, 499), (.stalled, 408), (.malformed(.chunkSizeMissing(at: 3)), 400), (.draining, 503),
  ])
  func aBodyThatEndsEarlyClosesTheConnection(_ error: BodyError, _ status: Int) {
    let refusal = Refusal(error)
    #expect(refusal.status.code == UInt16(status))
    #expect(refusal.closesConnection)
  }

  @Test(arguments: [
    (WireError.requestLineTooLong(max: 9), 414), (.headTooLong(max: 9), 431), (.framingConflict, 400),
    (.transferEncodingUnsupported, 501), (.contentLengthTooLarge, 413), (.versionUnsupported(major: 3, minor: 0), 505),
  ])
  func whatIsNoRequestIsAnsweredWithItsReason(_ error: WireError, _ status: Int) {
    let bench = Bench()
    let reply = Reply(
      bench.api.respond(
        toMalformed: error, from: PeerAddress(host: "192.0.2.7", port: 1), id: RequestID(high: 1, low: 2)))
    #expect(reply.status == status)
    #expect(reply.closes)
    #expect(reply.text.contains(error.reason.replacing("\"", with: "\\\"")))
    #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
  }
}
