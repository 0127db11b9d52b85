// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryWorld
import Testing

@Suite("The audit trail")
struct AuditLogTests {
  private func line(_ entry: AuditLog.Entry) -> String {
    let recorder = Recorder()
    AuditLog(sink: recorder, clock: StoppedClock()).write(entry)
    return recorder.texts.joined()
  }

  @Test func aLineIsOneObject() {
    let entry = AuditLog.Entry(
      action: .push, object: .tag, outcome: .done, status: 201, requestID: "1-2", address: "192.0.2.1:4",
      traceID: "4bf92f3577b34da6a3ce929d0e0e4736", user: "alice", repository: "team/app", reference: "v1",
      digest: "sha256:abc")
    #expect(
      line(entry)
        == "{\"time\":\"\(StoppedClock().now.rfc3339)\",\"id\":\"1-2\","
        + "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"user\":\"alice\",\"address\":\"192.0.2.1:4\","
        + "\"action\":\"push\",\"object\":\"tag\",\"repository\":\"team/app\",\"reference\":\"v1\","
        + "\"digest\":\"sha256:abc\",\"status\":201,\"outcome\":\"done\"}\n")
  }

  @Test(arguments: LogFormatTests.attacks) func nobodyForgesALine(_ attack: String) {
    let entry = AuditLog.Entry(
      action: .pull, object: .manifest, outcome: .denied, status: 403, requestID: "1", address: attack, user: attack,
      repository: attack, reference: attack, digest: attack)
    let line = line(entry)
    #expect(line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    #expect(line.count { $0 == "\n" } == 1)
    #expect(line.hasSuffix("\"status\":403,\"outcome\":\"denied\"}\n"))
  }
}
