// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import GantryTracing
import InMemoryTracing
import Testing
import Tracing

@Suite("Spans of requests")
struct DistributedTracingTests {
  private func request(_ context: [String: String] = [:]) -> TracedRequest {
    TracedRequest(
      method: "GET", path: "/v2/app/manifests/latest", route: "manifest", requestID: "id-1", peer: "192.0.2.1",
      context: context)
  }

  @Test func aSpanTellsItsRequest() throws {
    let tracer = InMemoryTracer()
    let span = DistributedTracing(tracer).begin(request())
    #expect(tracer.activeSpans.count == 1)
    span.end(status: 200, responseBytes: 512, isComplete: true)
    #expect(tracer.activeSpans.isEmpty)
    let finished = try #require(tracer.finishedSpans.first)
    #expect(finished.operationName == "GET manifest")
    #expect(finished.kind == .server)
    #expect(finished.attributes.get("http.request.method") == .string("GET"))
    #expect(finished.attributes.get("url.path") == .string("/v2/app/manifests/latest"))
    #expect(finished.attributes.get("http.response.status_code") == .int64(200))
    #expect(finished.attributes.get("http.response.body.size") == .int64(512))
    #expect(finished.attributes.get("error.type") == nil)
    #expect(finished.status == nil, "a server's span has no status while nothing failed")
    #expect(finished.parentSpanID == nil)
  }

  @Test func itStandsBelowTheClientsSpan() throws {
    let tracer = InMemoryTracer()
    let fields = [InMemoryTracer.traceIDKey: "trace-9", InMemoryTracer.spanIDKey: "span-9"]
    DistributedTracing(tracer).begin(request(fields)).end(status: 404, responseBytes: 0, isComplete: true)
    let finished = try #require(tracer.finishedSpans.first)
    #expect(finished.traceID == "trace-9")
    #expect(finished.parentSpanID == "span-9")
    #expect(finished.status == nil, "404 is the client's")
  }

  @Test func ourFaultsAreErrors() throws {
    let tracer = InMemoryTracer()
    DistributedTracing(tracer).begin(request()).end(status: 503, responseBytes: 1, isComplete: false)
    let finished = try #require(tracer.finishedSpans.first)
    #expect(finished.status == SpanStatus(code: .error))
    #expect(finished.attributes.get("error.type") == .string("incomplete"))
  }
}
