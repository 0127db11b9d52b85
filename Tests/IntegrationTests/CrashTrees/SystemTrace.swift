// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// What strace wrote of a process with all its threads: its calls, and in which order they began and ended.
///
/// strace stops a thread before the kernel begins a call and after it has ended, and writes both down in the order of
/// the stops. So what ended here before something else began did happen before it; what overlaps here may have
/// happened in either order.
struct SystemTrace {
  enum Event {
    case begin(Int)
    case end(Int)
  }

  /// In the order of their beginnings; an event names one by its place here.
  private(set) var calls: [SystemCall] = []
  private(set) var events: [Event] = []

  init(file: String) throws {
    guard let text = Files.read(file) else { throw TraceError("\(file) cannot be read") }
    try self.init(text)
  }

  init(_ text: [UInt8]) throws(TraceError) {
    var begun: [Int: (call: Int, text: ArraySlice<UInt8>)] = [:]
    for line in Self.lines(of: text) {
      guard let space = line.firstIndex(of: UInt8(ascii: " ")),
        let thread = Int(String(decoding: line[..<space], as: UTF8.self))
      else { throw TraceError("no thread in: \(Self.shown(line))") }
      let rest = line[space...].drop { $0 == UInt8(ascii: " ") }
      if rest.starts(with: "+++".utf8) || rest.starts(with: "---".utf8) { continue }
      if rest.starts(with: "<...".utf8) {
        guard let start = begun.removeValue(forKey: thread), let resumed = rest.firstRange(of: Self.resumed) else {
          throw TraceError("resumed without a beginning: \(Self.shown(line))")
        }
        calls[start.call] = try Self.call(thread, start.text + rest[resumed.upperBound...])
        events.append(.end(start.call))
      } else if rest.hasSuffix(Self.unfinished) {
        let start = rest.dropLast(Self.unfinished.count)
        begun[thread] = (calls.count, start)
        // What it begins with is known; whether it was done is not, until it ends.
        events.append(.begin(calls.count))
        calls.append(try Self.call(thread, start + ArraySlice(") = ?".utf8)))
      } else {
        events += [.begin(calls.count), .end(calls.count)]
        calls.append(try Self.call(thread, rest))
      }
    }
  }

  /// The same history without the calls for which `isLeftOut` says so: how a judge is tried.
  func without(_ isLeftOut: (SystemCall) -> Bool) -> SystemTrace {
    var result = self
    let out = calls.map(isLeftOut)
    result.events = events.filter { event in
      switch event {
      case .begin(let call), .end(let call): !out[call]
      }
    }
    return result
  }

  private static let unfinished = Array("<unfinished ...>".utf8)
  private static let resumed = Array("resumed>".utf8)

  private static func shown(_ line: ArraySlice<UInt8>) -> String { String(decoding: line.prefix(300), as: UTF8.self) }

  private static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    text.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count, let base = bytes.baseAddress {
        let found = memchr(base + start, 0x0A, bytes.count - start)
        let end = found.map { base.distance(to: UnsafeRawPointer($0)) } ?? bytes.count
        if end > start { lines.append(text[start..<end]) }
        start = end + 1
      }
    }
    return lines
  }

  /// `name(argument, argument) = result ERROR (what it means)`
  private static func call(_ thread: Int, _ text: ArraySlice<UInt8>) throws(TraceError) -> SystemCall {
    guard let open = text.firstIndex(of: UInt8(ascii: "(")) else { throw TraceError("no call: \(shown(text))") }
    var (arguments, depth, start, at) = ([ArraySlice<UInt8>](), 0, open + 1, open + 1)
    func take(_ end: Int) {
      var argument = text[start..<end].drop { $0 == UInt8(ascii: " ") }
      while argument.last == UInt8(ascii: " ") { argument.removeLast() }
      if !argument.isEmpty { arguments.append(argument) }
    }
    scan: while at < text.endIndex {
      switch text[at] {
      case UInt8(ascii: "\""):
        guard let close = text[(at + 1)...].quickIndex(of: UInt8(ascii: "\"")) else {
          throw TraceError("a string does not end: \(shown(text))")
        }
        at = close
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ")") where depth == 0: break scan
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      case UInt8(ascii: ",") where depth == 0:
        take(at)
        start = at + 1
      default: break
      }
      at += 1
    }
    guard at < text.endIndex else { throw TraceError("a call does not end: \(shown(text))") }
    take(at)
    let words = text[(at + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    guard words.count >= 2, words[0] == "=" else { throw TraceError("no result: \(shown(text))") }
    let isUnknown = words[1] == "?"
    let value = words[1].hasPrefix("0x") ? Int(words[1].dropFirst(2), radix: 16) : Int(words[1])
    if value == nil, !isUnknown { throw TraceError("no result: \(shown(text))") }
    return SystemCall(
      thread: thread, name: String(decoding: text[..<open], as: UTF8.self), arguments: arguments, result: value,
      error: value == -1 && words.count > 2 ? words[2] : nil)
  }
}

extension ArraySlice<UInt8> {
  /// As `firstIndex(of:)`, fast in a debug build too: strings are long.
  func quickIndex(of byte: UInt8) -> Int? {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = memchr(base, Int32(byte), bytes.count) else { return nil }
      return startIndex + base.distance(to: UnsafeRawPointer(found))
    }
  }

  fileprivate func hasSuffix(_ suffix: [UInt8]) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}
