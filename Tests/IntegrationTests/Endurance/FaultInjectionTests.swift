// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// System calls of the running server that fail, by strace.
@Suite("Disks that fail under a running server", .serialized)
struct FaultInjectionTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  struct Fault: Sendable, CustomTestStringConvertible {
    var calls: String
    var error: String
    var statuses: [Int]
    var testDescription: String { "\(error) of \(calls)" }
  }

  @Test(
    "Writes are refused clearly, reads go on, and all is well when the fault goes",
    .enabled(if: Strace.isPermitted, "strace may not trace here"),
    arguments: [
      Fault(calls: "fdatasync,fsync", error: "EIO", statuses: [503]),
      Fault(calls: "fdatasync,fsync", error: "EDQUOT", statuses: [507]),
      Fault(calls: "pwrite64,pwritev", error: "EIO", statuses: [503]),
      Fault(calls: "pwrite64,pwritev", error: "EDQUOT", statuses: [507]),
      Fault(calls: "pwrite64,pwritev", error: "ENOSPC", statuses: [507]),
      Fault(calls: "mkdir,mkdirat,rename,renameat,renameat2,link,linkat", error: "EDQUOT", statuses: [507]),
      Fault(calls: "mkdir,mkdirat,rename,renameat,renameat2,link,linkat", error: "EROFS", statuses: [503, 507]),
    ])
  func injected(_ fault: Fault) throws {
    let registry = try RegistryProcess()
    let bench = try Bench("injected", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    let bytes = Noise.bytes(1 << 20, 9)
    let digest = Algorithm.sha256.digest(bytes)
    let begun = try bench.client.send(
      "PATCH", try bench.startUpload(), [Self.octets], body: Array(bytes[..<300_000]))
    expect(begun, 202)
    var acknowledged: [String] = []

    let tampering = try Tampering(with: registry.child.pid, fault, in: registry.scratch)
    var refused = 0
    func judge(_ response: Response, _ what: String, _ good: Int...) {
      if good.contains(response.status) { return }
      refused += 1
      #expect(fault.statuses.contains(response.status), "\(what): \(response)")
      #expect(Int(response["Retry-After"] ?? "") != nil, "\(what): \(response)")
      #expect(!response.codes.isEmpty, "\(what): \(response)")
    }
    for round in 0..<6 {
      let small = Noise.bytes(5000 + round * 40_000, UInt64(20 + round))
      let name = Algorithm.sha256.digest(small)
      let push = try bench.client.send(
        "POST", bench.uploads + "?digest=\(name)", [Self.octets], body: small)
      judge(push, "blob", 201)
      if push.status == 201 { acknowledged.append(bench.blob(name)) }
      let tagged = try bench.client.send(
        "PUT", bench.manifest("t\(round)"), [("Content-Type", Media.image)], body: image.bytes)
      judge(tagged, "manifest", 201)
      if tagged.status == 201 { acknowledged.append(bench.manifest("t\(round)")) }
      try bench.expectContent(bench.manifest("v1"), image)
    }
    let whole = try bench.client.send(
      "PUT", bench.target(of: begun).adding("digest=\(digest)"), [Self.octets], body: Array(bytes[300_000...]))
    judge(whole, "commit", 201)
    #expect(refused >= 6, "the fault was met")
    #expect(!registry.child.hasEnded(within: 0), "\(registry.log.suffix(1000))")
    tampering.stop()

    if whole.status != 201 {
      let status = try bench.client.send("GET", bench.target(of: begun))
      expect(status, 204)
      let stands = Int(status["Gantry-Upload-Offset"] ?? "") ?? -1
      #expect((0...bytes.count).contains(stands), "\(status)")
      expect(
        try bench.client.send(
          "PUT", bench.target(of: status).adding("digest=\(digest)"), [Self.octets], body: Array(bytes[stands...])),
        201)
    }
    expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes, "the upload that went on")
    let next = try bench.image(seed: 31)
    try bench.put(next, as: "after")
    acknowledged += [bench.blob(digest), bench.manifest("after"), bench.manifest("v1")]
    registry.child.signal(SIGKILL)
    #expect(registry.child.hasEnded(within: 10_000))
    let again = try RegistryProcess(registry.settings, in: registry.scratch, root: registry.root)
    let client = HTTPClient(again.endpoint)
    for target in acknowledged { expect(try client.send("GET", target), 200) }
    print("injected \(fault.testDescription): \(refused) refused, \(acknowledged.count) acknowledged and there")
    again.stop()
  }

  @Test("The status after a cut is where the next chunk begins, on one process and on two", arguments: [1, 2])
  func cut(processes: Int) throws {
    let first = try RegistryProcess()
    let second = processes == 1 ? first : try RegistryProcess(in: first.scratch, root: first.root)
    let bench = try Bench("cut", registry: first)
    let bytes = Noise.bytes(3 << 20, 5)
    for round in 0..<15 {
      let location = try bench.startUpload()
      let cut = try Connection(to: first.endpoint)
      let head = "PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes.count)\r\n\r\n"
      try cut.send(Array(head.utf8) + bytes.prefix(1000))
      // Until the request is under way: one that the server has not seen yet can be waited for by nobody.
      var underWay = false
      for _ in 0..<100 where !underWay {
        underWay = try bench.client.send("GET", location)["Gantry-Upload-Offset"] != "0"
      }
      #expect(underWay)
      try cut.send(Array(bytes[1000..<(150_000 * (round + 1))]))
      cut.shut()
      let client = HTTPClient(second.endpoint)
      let status = try client.send("GET", location)
      expect(status, 204)
      let stands = Int(status["Gantry-Upload-Offset"] ?? "") ?? -1
      let next = try client.send(
        "PATCH", bench.target(of: status), [Self.octets, ("Content-Range", "\(stands)-\(bytes.count - 1)")],
        body: Array(bytes[stands...]))
      expect(next, 202)
      expect(try client.send("DELETE", bench.target(of: next)), 204)
    }
    first.stop()
    if processes > 1 { second.stop() }
  }
}

/// strace on a running process, making calls fail until it is stopped.
private final class Tampering {
  private let child: ChildProcess

  init(with pid: pid_t, _ fault: FaultInjectionTests.Fault, in scratch: Scratch) throws {
    let said = "\(scratch.path)/tampering.log"
    child = try ChildProcess(
      [
        "strace", "-f", "-o", "/dev/null", "-e", "trace=\(fault.calls)", "-e",
        "inject=\(fault.calls):error=\(fault.error)", "-p", "\(pid)",
      ], environment: Command.basicEnvironment, output: said)
    for _ in 0..<4000 {
      if Files.text(said).contains(" attached") { return }
      if child.hasEnded(within: 5) { break }
    }
    throw HarnessError("strace does not attach: \(Files.text(said))")
  }

  func stop() {
    child.signal(SIGINT)
    _ = child.hasEnded(within: 10_000)
  }
}
