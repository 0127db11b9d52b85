// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// One system call as strace wrote it down.
struct SystemCall: CustomStringConvertible {
  let thread: Int
  let name: String
  /// As strace shows them.
  let arguments: [ArraySlice<UInt8>]
  /// What it returned; nil when it never did, or has to be made again after a signal.
  let result: Int?
  /// The name of its error: `ENOENT`.
  let error: String?

  /// Whether it returned, and no error.
  var isDone: Bool { result != nil && error == nil }

  /// An argument that is a number: a descriptor, an offset, a length.
  func number(_ index: Int) throws(TraceError) -> Int {
    guard let value = Int(word(index)) else { throw TraceError("argument \(index) is no number: \(self)") }
    return value
  }

  /// An argument that is made of names: `O_RDWR|O_CREAT`.
  func flags(_ index: Int) -> Set<String> { Set(word(index).split(separator: "|").map(String.init)) }

  func word(_ index: Int) -> String {
    index < arguments.count ? String(decoding: arguments[index], as: UTF8.self) : ""
  }

  func path(_ index: Int) throws(TraceError) -> String { String(decoding: try bytes(index), as: UTF8.self) }

  /// Every string within an argument, one after the other: the bytes of a buffer, or of a list of buffers. With `head`,
  /// the first string as far as it was written down.
  func bytes(_ index: Int, head: Bool = false) throws(TraceError) -> [UInt8] {
    guard index < arguments.count else { throw TraceError("argument \(index) is missing: \(self)") }
    var (bytes, rest) = ([UInt8](), arguments[index])
    while let open = rest.quickIndex(of: Self.quote) {
      rest = rest[(open + 1)...]
      guard let close = rest.quickIndex(of: Self.quote) else { throw TraceError("a string does not end: \(self)") }
      try Self.decode(rest[..<close], into: &bytes, of: self)
      rest = rest[(close + 1)...]
      if head { return bytes }
      if rest.starts(with: "...".utf8) { throw TraceError("the trace was told to cut strings: \(self)") }
    }
    return bytes
  }

  // Strings come as \x2f\x74 only.
  private static func decode(
    _ text: ArraySlice<UInt8>, into bytes: inout [UInt8], of call: SystemCall
  ) throws(TraceError) {
    guard text.count % 4 == 0 else { throw TraceError("a string is not in hexadecimal: \(call)") }
    bytes.reserveCapacity(bytes.count + text.count / 4)
    text.withUnsafeBufferPointer { text in
      for at in stride(from: 2, to: text.count, by: 4) { bytes.append(digit(text[at]) << 4 | digit(text[at + 1])) }
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8 { byte < 0x3A ? byte &- 0x30 : byte &- 0x57 }

  private static let quote = UInt8(ascii: "\"")

  var description: String {
    let shown = arguments.map { argument -> String in
      guard argument.first == Self.quote, let end = argument.dropFirst().quickIndex(of: Self.quote) else {
        return String(decoding: argument.prefix(80), as: UTF8.self)
      }
      var bytes: [UInt8] = []
      let text = argument[(argument.startIndex + 1)..<end]
      // A description of what cannot be read shows nothing of it.
      try? Self.decode(text.prefix(1200), into: &bytes, of: SystemCall.none)
      return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }
    return "\(name)(\(shown.joined(separator: ", "))) = \(result.map { "\($0)" } ?? "?") \(error ?? "")"
  }

  private static let none = SystemCall(thread: 0, name: "", arguments: [], result: nil, error: nil)
}

/// Why a trace cannot be understood; such a trace proves nothing, so a test that meets one fails.
struct TraceError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
