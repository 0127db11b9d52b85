// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryTelemetry
import GantryWorld
import Synchronization
import Testing

@testable import GantryRegistryAPI

@Suite("Who watches the API")
struct ObservationTests {
  static let routes: [(path: String, route: Route)] = [
    ("/v2/", .base), ("/v2", .base), ("/prefix/v2/", .base), ("/v2/_catalog", .catalog), ("/v2/_token", .token),
    ("/v2/a/b/manifests/latest", .manifest), ("/v2/manifests/manifests/manifests", .manifest),
    ("/v2/a/tags/list", .tags), ("/v2/a/blobs/sha256:00", .blob), ("/v2/a/blobs/uploads/", .blobUpload),
    ("/v2/a/blobs/uploads", .blobUpload), ("/v2/a/blobs/uploads/id", .blobUploadChunk),
    ("/v2/a/referrers/sha256:00", .referrers), ("/", .other), ("*", .other), ("/favicon.ico", .other),
    ("/v2/x", .other), ("/v2/a/tags/other", .other),
  ]

  @Test(arguments: routes.indices) func pathsAreCountedAsDistributionsRoutes(_ index: Int) {
    let (path, route) = Self.routes[index]
    #expect(Route(Array(path.utf8)[...]) == route, "\(path)")
  }

  @Test func labelsAreDistributions() {
    let labels = Route.allCases.map(\.label)
    for label in ["base", "manifest", "tags", "blob", "blob_upload", "blob_upload_chunk", "catalog"] {
      #expect(labels.contains(label))
    }
    #expect(Set(labels).count == Route.allCases.count)
    for (index, label) in HTTPMethod.labels.dropLast().enumerated() {
      #expect(HTTPMethod(label.uppercased()).index == index)
    }
    #expect(HTTPMethod("BREW").index == HTTPMethod.labels.count - 1)
  }

  @Test func whileUnhealthyNothingNewBeginsAndReadsGoOn() {
    let health = HealthState()
    let bench = Bench(observation: Observation(health: health))
    let (_, digest) = bench.pushImage(to: "app")
    let begun = bench.send("POST", "/v2/app/blobs/uploads/")
    health.set("storagedriver_filesystem", to: "broken")
    for target in ["/v2/", "/v2/app/manifests/latest", "/v2/app/tags/list", "/v2/_catalog"] {
      #expect(bench.send("GET", target).status == 200, "\(target)")
      #expect(bench.send("HEAD", target).status == 200, "\(target)")
    }
    for (method, target) in [
      ("POST", "/v2/app/blobs/uploads/"), ("PUT", "/v2/app/manifests/next"), ("DELETE", "/v2/app/manifests/latest"),
      ("DELETE", "/v2/app/manifests/\(digest)"), ("DELETE", "/v2/app/blobs/\(digest)"),
      ("POST", "/v2/app/blobs/uploads/?mount=\(digest)&from=other"),
    ] {
      let reply = bench.send(method, target, body: method == "PUT" ? [1] : nil)
      #expect(reply.status == 503, "\(method) \(target): \(reply.text)")
      #expect(reply.code == "UNAVAILABLE")
      #expect(reply.text.contains("\"detail\":\"health check failed: please see /debug/health\""), "\(reply.text)")
      #expect(reply["Retry-After"] == "5")
    }
    // What has begun goes on to its end.
    let bytes = Array("more".utf8)
    #expect(bench.send("PUT", "\(begun.location)&digest=\(Bench.digest(of: bytes))", body: bytes).status == 201)
    health.set("storagedriver_filesystem", to: nil)
    #expect(bench.send("DELETE", "/v2/app/manifests/latest").status == 202)
  }

  @Test func theTrailHasChangesAndDenials() {
    let lines = Lines()
    let bench = Bench(observation: Observation(audit: AuditLog(sink: lines, clock: NoClock())))
    let (_, digest) = bench.pushImage(to: "app")
    _ = bench.send("GET", "/v2/app/manifests/latest")
    let blob = Bench.digest(of: Array("layer".utf8))
    #expect(bench.send("POST", "/v2/copy/blobs/uploads/?mount=\(blob)&from=app").status == 201)
    _ = bench.send("DELETE", "/v2/app/blobs/\(blob)")
    _ = bench.send("DELETE", "/v2/app/manifests/\(digest)")
    _ = bench.send("PUT", "/v2/app/manifests/broken", body: Array("{}".utf8))
    // What cannot be mounted and is sent in the same request is a push.
    let sent = Array("sent".utf8)
    let target = "/v2/copy/blobs/uploads/?mount=\(Bench.digest(of: sent))&from=app&digest=\(Bench.digest(of: sent))"
    #expect(bench.send("POST", target, body: sent).status == 201)
    let told = lines.all.map { line in
      line.replacing(digest.description, with: "MANIFEST").replacing(blob.description, with: "LAYER")
    }
    #expect(told.count == 8, "\(told)")
    #expect(told[7].contains(#""action":"push","object":"blob","repository":"copy""#), "\(told[7])")
    #expect(told[0].contains(#""action":"push","object":"blob","repository":"app""#))
    #expect(
      told[2].contains(
        #""action":"push","object":"tag","repository":"app","reference":"latest","digest":"MANIFEST","status":201"#))
    #expect(told[3].contains(#""action":"mount","object":"blob","repository":"copy""#))
    #expect(told[3].contains(#""digest":"LAYER""#))
    #expect(told[4].contains(#""action":"delete","object":"blob","repository":"app","reference":"LAYER""#))
    #expect(told[5].contains(#""action":"delete","object":"manifest""#))
    #expect(told[6].contains(#""reference":"broken","status":400,"outcome":"failed""#), "\(told[6])")
    #expect(told.allSatisfy { $0.contains(#""address":"192.0.2.1:40000""#) })
  }

  @Test func exchangesAreCounted() {
    let meters = RequestMeters(.api)
    let bench = Bench(observation: Observation(meters: meters))
    bench.pushBlob(Array("hello".utf8), to: "app")
    #expect(meters.measures.receivedBytes == 5)
    #expect(meters.measures.inFlight.allSatisfy { $0 == 0 }, "what has begun has ended")
    var text = MetricsText()
    meters.measures.write(to: &text, .api)
    let page = String(decoding: text.bytes, as: UTF8.self)
    #expect(page.contains(#"registry_http_requests_total{code="201",handler="blob_upload_chunk",method="put"} 1"#))
  }

  /// Keeps what it was told.
  private final class Spans: RequestTracing {
    let begun = Mutex<[TracedRequest]>([])
    let ended = Mutex<[Int]>([])

    struct Span: RequestSpan {
      let spans: Spans
      func end(status: Int, responseBytes: UInt64, isComplete: Bool) {
        spans.ended.withLock { $0.append(status) }
      }
    }

    func begin(_ request: TracedRequest) -> any RequestSpan {
      begun.withLock { $0.append(request) }
      return Span(spans: self)
    }
  }

  @Test func spansBeginWithWhatTheClientSays() throws {
    let spans = Spans()
    let bench = Bench(observation: Observation(tracing: spans))
    _ = bench.send("GET", "/v2/app/tags/list", ["traceparent": "00-a-b-01", "TraceState": "x=y"])
    let request = try #require(spans.begun.withLock { $0.first })
    #expect(request.route == "tags")
    #expect(request.path == "/v2/app/tags/list")
    #expect(request.context == ["traceparent": "00-a-b-01", "tracestate": "x=y"])
    let outcome = ResponseOutcome(
      head: nil, peer: PeerAddress(host: "192.0.2.1", port: 1), requestID: RequestID(high: 1, low: 2),
      status: .notFound, bytesSent: 0, duration: .zero, isComplete: true)
    bench.api.finished(outcome)
    bench.api.finished(outcome)
    #expect(spans.ended.withLock { $0 } == [404], "a span ends once")
  }
}
