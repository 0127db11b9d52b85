// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import Logging
import Testing

@Suite struct GantryLogHandlerTests {
  private struct Odd: Error {}

  private func logger(_ recorder: Recorder, _ threshold: LogThreshold, isCallerReported: Bool = false) -> Logger {
    let setting = GantryLogHandler.Setting(
      format: .text, sink: recorder, clock: StoppedClock(), threshold: threshold,
      staticFields: ["service": "registry", "env": "static"], isCallerReported: isCallerReported)
    return Logger(label: "test") { _ in GantryLogHandler(setting) }
  }

  @Test func `the nearest field wins`() {
    let recorder = Recorder()
    var logger = logger(recorder, LogThreshold(.info))
    logger.info("a")
    logger[metadataKey: "env"] = "logger"
    logger[metadataKey: "id"] = "logger"
    logger.info("b", metadata: ["id": "event"])
    let prefix = "time=\"2026-11-22T10:00:00.123456789Z\" level=info msg="
    #expect(
      recorder.texts == [
        prefix + "a env=static service=registry\n", prefix + "b env=logger id=event service=registry\n",
      ])
  }

  @Test func `the shared level can change, a logger's own does not follow`() {
    let recorder = Recorder()
    let threshold = LogThreshold(.warning)
    let shared = logger(recorder, threshold)
    var own = logger(recorder, threshold)
    own.logLevel = .error
    shared.info("no")
    own.warning("no")
    threshold.level = .debug
    shared.debug("yes")
    own.warning("no")
    own.error("yes")
    #expect(threshold.level == .debug)
    #expect(recorder.texts.count == 2)
    #expect(recorder.texts.allSatisfy { $0.contains("msg=yes") })
    #expect(recorder.urgencies == [false, true])
  }

  @Test func `errors and callers`() {
    let recorder = Recorder()
    let logger = logger(recorder, LogThreshold(.info), isCallerReported: true)
    logger.log(level: .error, "x", error: Odd(), file: "Some/File.swift", function: "run()", line: 7)
    #expect(
      recorder.texts == [
        """
        time="2026-11-22T10:00:00.123456789Z" level=error msg=x env=static error="Odd()" file="Some/File.swift:7" \
        func="run()" service=registry

        """
      ])
  }
}
