// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryWorld

/// A file of a response, read straight into the frames that leave: what is in memory at once, what is not after a
/// worker has read it. Lives in the connection's isolation.
final class HTTP2File: HTTP2BodySource {
  let file: any OpenFile
  private let end: UInt64
  // Weak: an exchange may hold what it waits for.
  private weak var exchange: HTTP2Exchange?
  /// From where on a frame had room and nothing was in memory.
  private var wantedFrom: UInt64 = 0
  /// How far a worker has read. What was there a moment ago may be gone again, or the file system cannot tell: such a
  /// part is waited for, as sendfile would.
  private var preparedEnd: UInt64 = 0

  /// Brought into memory at a time: what the kernel reads ahead, and more than a client takes in one turn.
  private static let preparedBytes: UInt64 = 1 << 20

  /// A source whose offsets are those of the file, up to `end`.
  init(_ file: any OpenFile, to end: UInt64, of exchange: HTTP2Exchange) {
    self.file = file
    self.end = end
    self.exchange = exchange
  }

  func append(_ count: Int, at offset: UInt64, to output: inout [UInt8]) -> HTTP2Supply {
    do throws(FileError) {
      var got = try file.read(count, at: offset, into: &output, residentOnly: true)
      if got == 0, offset < preparedEnd {
        let rest = Int(min(UInt64(count), preparedEnd - offset))
        got = try file.read(rest, at: offset, into: &output, residentOnly: false)
        if got == 0 { return fail(.truncatedFile) }
      }
      if got > 0 { return .appended(got) }
      wantedFrom = offset
      exchange?.awaitedFile = self
      return .absent
    } catch {
      return fail(.unreadableFile(error))
    }
  }

  private func fail(_ failure: StreamError) -> HTTP2Supply {
    exchange?.fileFailure = failure
    return .failed
  }

  /// Has the next part be in memory.
  func prepare(by stream: any ByteStream) async throws(StreamError) {
    let count = min(end - wantedFrom, Self.preparedBytes)
    try await stream.prepare(file, from: wantedFrom, count: Int(count))
    preparedEnd = wantedFrom + count
  }
}
