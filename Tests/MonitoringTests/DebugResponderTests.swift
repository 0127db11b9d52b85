// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryMonitoring
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Testing

@Suite("The operator's listener")
struct DebugResponderTests {
  private struct Scene {
    let simulated = SimulatedWorld(seed: 3)
    let health = HealthState(switches: ["/run/off"])
    let readiness = Readiness()
    let pulse: LoopPulse

    init() { pulse = LoopPulse(on: simulated.world.loops[0]) }

    func get(_ path: String, method: String = "GET", metricsPath: String? = "/metrics") -> (
      status: Int, text: String, type: String?
    ) {
      let responder = DebugResponder(
        loop: simulated.world.loops[0], health: health, readiness: readiness, pulses: [pulse],
        metricsPath: metricsPath, metrics: { Array("page\n".utf8) })
      return simulated.run {
        var parser = RequestParser(limits: WireLimits())
        guard
          case .head(let head, _) = parser.parse(Array("\(method) \(path) HTTP/1.1\r\nHost: r\r\n\r\n".utf8), from: 0)
        else { preconditionFailure("a test sends a well-formed head") }
        let response = await responder.respond(
          to: Request(
            head: head, body: nil, peer: PeerAddress(host: "192.0.2.1", port: 4), id: RequestID(high: 1, low: 2)))
        guard case .bytes(let bytes) = response.body else { return (Int(response.status.code), "", nil) }
        return (
          Int(response.status.code), String(decoding: bytes, as: UTF8.self), response.fields.first("Content-Type")
        )
      }
    }
  }

  @Test func healthIsDistributionsAnswer() {
    let scene = Scene()
    var answer = scene.get("/debug/health")
    #expect(answer.status == 200)
    #expect(answer.text == "{}")
    #expect(answer.type == "application/json; charset=utf-8")
    scene.health.set("storagedriver_filesystem", to: "stat /srv: gone")
    answer = scene.get("/debug/health")
    #expect(answer.status == 503)
    #expect(answer.text == #"{"storagedriver_filesystem":"stat /srv: gone"}"#)
  }

  @Test func readinessFollowsTheProcessAndTheSwitchOnly() {
    let scene = Scene()
    #expect(scene.get("/readyz").status == 503)
    scene.readiness.raise()
    #expect(scene.get("/readyz").text == "ok\n")
    scene.health.set("storagedriver_filesystem", to: "broken")
    #expect(scene.get("/readyz").status == 200, "cached pulls go on while the storage is broken")
    scene.health.set("/run/off", to: "file exists")
    #expect(scene.get("/readyz").status == 503)
    scene.health.set("/run/off", to: nil)
    #expect(scene.get("/readyz").status == 200)
    scene.readiness.lower()
    #expect(scene.get("/readyz").text == "draining\n")
    #expect(scene.get("/livez").status == 200, "a process that drains is alive")
  }

  @Test func aLoopThatDoesNotTurnIsNoticed() {
    let scene = Scene()
    let (pulse, simulated) = (scene.pulse, scene.simulated)
    simulated.run {
      await pulse.start()
      await simulated.pause(for: .seconds(2))
    }
    #expect(scene.get("/livez").status == 200)
    simulated.run {
      // Without its timer the pulse is what a loop is that hangs.
      await pulse.stop()
      await simulated.pause(for: LoopPulse.silenceMax)
    }
    let answer = scene.get("/livez")
    #expect(answer.status == 503)
    #expect(answer.text == "loops that do not turn: 0\n")
  }

  @Test func lagsAreCounted() {
    let scene = Scene()
    let (pulse, simulated) = (scene.pulse, scene.simulated)
    let lags = simulated.run {
      await pulse.start()
      await simulated.pause(for: .seconds(1))
      await pulse.stop()
      return await pulse.measures
    }
    #expect((9...10).contains(lags.lags.count))
    #expect(lags.largest < 1_000_000, "in a simulation nothing is late")
  }

  @Test func metricsAreWhereTheyAreAskedFor() {
    let scene = Scene()
    let answer = scene.get("/metrics")
    #expect(answer.status == 200)
    #expect(answer.text == "page\n")
    #expect(answer.type == "text/plain; version=0.0.4; charset=utf-8")
    #expect(scene.get("/elsewhere", metricsPath: "/elsewhere").status == 200)
    #expect(scene.get("/metrics", metricsPath: nil).status == 404)
  }

  @Test(arguments: ["/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars"])
  func profilesOfGoAreSaidNotToBe(_ path: String) {
    let answer = Scene().get(path)
    #expect(answer.status == 404)
    #expect(answer.text.contains("docs/MONITORING.md"))
  }

  @Test func onlyReadingIsPossible() {
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
      #expect(Scene().get("/debug/health", method: method).status == 405)
    }
    #expect(Scene().get("/debug/health", method: "HEAD").status == 200)
    #expect(Scene().get("/").text.contains("/readyz"))
    #expect(Scene().get("/v2/").status == 404)
  }
}
