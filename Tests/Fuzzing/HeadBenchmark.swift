// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Glibc

/// How long one head takes: a manifest GET as containerd sends it, parsed and asked what a manifest GET asks.
public enum HeadBenchmark {
  /// Runs rounds of heads and reports the best and the median processor nanoseconds a head, one line each for parsing
  /// alone, for parsing with look-ups, and for writing an answer's head. Meaningful in release builds only.
  public static func report(rounds: Int, heads: Int) -> String {
    let input = Corpus(http: "head-accept").entries[0].bytes
    let parsing = nanoseconds(rounds, heads) { parser in parse(input, &parser) }
    let asking = nanoseconds(rounds, heads) { parser in
      parser.reset()
      guard case .head(let head, _) = parser.parse(input, from: 0) else { return 0 }
      let range = head.field("range")?.count ?? 0
      let condition = head.field("if-none-match")?.count ?? 0
      return head.path.count + (head.field("authorization")?.count ?? 0) + range + condition
        + (RequestTarget.isPlain(head.path) ? 1 : 0)
    }
    var fields = Fields()
    fields.append("Content-Type", "application/vnd.oci.image.manifest.v1+json")
    fields.append("Docker-Content-Digest", "sha256:\(String(repeating: "0f", count: 32))")
    let date = HTTPDate(unixSeconds: 784_111_777).bytes
    var output: [UInt8] = []
    let writing = nanoseconds(rounds, heads) { _ in
      output.removeAll(keepingCapacity: true)
      ResponseWriter.writeHead(
        status: .ok, fields: fields, framing: .length(1234), keepAlive: true, date: date, into: &output)
      return output.count
    }
    return """
      head of \(input.count) bytes, ns each (best, median of \(rounds) rounds of \(heads))
      parse             \(parsing)
      parse and look up \(asking)
      write an answer   \(writing)
      """
  }

  @inline(never)
  private static func parse(_ input: [UInt8], _ parser: inout RequestParser) -> Int {
    parser.reset()
    guard case .head(let head, let consumed) = parser.parse(input, from: 0) else { return 0 }
    return consumed + head.fieldCount
  }

  private static func nanoseconds(
    _ rounds: Int, _ heads: Int, _ body: (inout RequestParser) -> Int
  ) -> String {
    var parser = RequestParser()
    var sum = 0
    var times: [Double] = []
    for _ in 0..<rounds {
      let start = processorNanoseconds()
      for _ in 0..<heads { sum &+= body(&parser) }
      times.append((processorNanoseconds() - start) / Double(heads))
    }
    precondition(sum > 0, "nothing was done")
    times.sort()
    return "\(Int(times[0].rounded())) \(Int(times[rounds / 2].rounded()))"
  }

  /// Of this thread, so that a busy machine does not show.
  private static func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
