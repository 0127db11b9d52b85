// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import Testing

@Suite("W3C trace context")
struct TraceContextTests {
  static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  static let span = "00f067aa0ba902b7"

  @Test func versionZeroIsRead() throws {
    let context = try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01".utf8))
    #expect(context.traceID == Self.trace)
    #expect(context.parentID == Self.span)
    #expect(context.isSampled)
    #expect(try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-fe".utf8)).isSampled == false)
  }

  @Test func laterVersionsAreReadAsFarAsKnown() {
    #expect(TraceContext(traceparent: "01-\(Self.trace)-\(Self.span)-01".utf8) != nil)
    #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01-what-else".utf8) != nil)
    #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01.what".utf8) == nil)
  }

  static let rejects = [
    "", "00", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-x",
    "ff-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01", "00-\(String(repeating: "0", count: 32))-\(span)-01",
    "00-\(trace)-\(String(repeating: "0", count: 16))-01", "00-\(trace.uppercased())-\(span)-01",
    "00_\(trace)-\(span)-01", "00-\(trace)-\(span)-0x", "00-\(trace.dropLast())\n-\(span)-01",
    "cc-\(trace)-\(span)-01-" + String(repeating: "x", count: 300),
  ]

  @Test(arguments: rejects) func whatIsNoTraceIsNotTaken(_ text: String) {
    #expect(TraceContext(traceparent: text.utf8) == nil, "\(text)")
  }
}
