// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import Synchronization
import Testing

@Suite struct BufferedLineSinkTests {
  /// Keeps what a sink puts out, and how often it asked to be drained.
  private final class Stream: Sendable {
    let text = Mutex("")
    let wakes = Mutex(0)
    /// How many bytes it takes before it is full.
    let room = Mutex(Int.max)

    func sink(bytesMax: Int, wakeBytes: Int, isTelling: Bool = true) -> BufferedLineSink {
      BufferedLineSink(
        bytesMax: bytesMax, wakeBytes: wakeBytes,
        output: { bytes in
          let taken = self.room.withLock { room in
            let taken = min(room, bytes.count)
            room -= taken
            return taken
          }
          self.text.withLock { $0 += String(decoding: bytes[..<taken], as: UTF8.self) }
          return taken
        },
        wake: { self.wakes.withLock { $0 += 1 } },
        droppedNotice: { count in isTelling ? Array("dropped \(count)\n".utf8) : [] })
    }

    var written: String { text.withLock { $0 } }
    var wakeCount: Int { wakes.withLock { $0 } }
  }

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `lines wait for a drain and keep their order`() {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 1000, wakeBytes: 1000)
    for round in 0..<3 {
      sink.write(bytes("a\(round)\n"), isUrgent: false)
      sink.write(bytes("b\(round)\n"), isUrgent: false)
      #expect(sink.pendingBytes == 6)
      sink.drain()
      #expect(sink.pendingBytes == 0)
    }
    sink.drain()
    #expect(stream.written == "a0\nb0\na1\nb1\na2\nb2\n")
    #expect(stream.wakeCount == 0)
  }

  @Test func `it asks to be drained once, at the mark or when a line is urgent`() {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 1000, wakeBytes: 8)
    sink.write(bytes("1234567"), isUrgent: false)
    #expect(stream.wakeCount == 0)
    sink.write(bytes("8"), isUrgent: false)
    sink.write(bytes("9"), isUrgent: true)
    #expect(stream.wakeCount == 1)
    sink.drain()
    sink.write(bytes("!"), isUrgent: true)
    #expect(stream.wakeCount == 2)
  }

  @Test func `a full sink drops whole lines, counts them and says so after what it kept`() {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 10, wakeBytes: 100)
    sink.write(bytes("123456\n"), isUrgent: false)
    sink.write(bytes("abcdef\n"), isUrgent: false)
    sink.write(bytes("ghijkl\n"), isUrgent: true)
    sink.write(bytes("x\n"), isUrgent: false)
    #expect(sink.pendingBytes == 9)
    #expect(sink.droppedInAll == 2)
    #expect(stream.wakeCount == 1)
    sink.drain()
    #expect(stream.written == "123456\nx\ndropped 2\n")
    sink.write(bytes("y\n"), isUrgent: false)
    sink.drain()
    #expect(stream.written == "123456\nx\ndropped 2\ny\n")
    #expect(sink.droppedInAll == 2)
  }

  @Test func `without a notice drops are counted only`() {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 1, wakeBytes: 1, isTelling: false)
    sink.write(bytes("ab"), isUrgent: false)
    sink.drain()
    #expect(stream.written.isEmpty && sink.droppedInAll == 1)
  }

  @Test func `what a full stream leaves waits in its place, within the bound, and no second drain is asked for`() {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 12, wakeBytes: 1)
    stream.room.withLock { $0 = 3 }
    sink.write(bytes("abcdef\n"), isUrgent: false)
    #expect(!sink.drain())
    #expect(sink.pendingBytes == 4)
    sink.write(bytes("ghij\n"), isUrgent: false)
    sink.write(bytes("klmn\n"), isUrgent: false)
    #expect(sink.droppedInAll == 1)
    #expect(!sink.drain())
    #expect(stream.wakeCount == 1)
    stream.room.withLock { $0 = .max }
    #expect(sink.drain())
    #expect(stream.written == "abcdef\nghij\ndropped 1\n")
    sink.write(bytes("o\n"), isUrgent: false)
    #expect(stream.wakeCount == 2)
  }

  @Test func `an output that logs into its own sink does not lock up`() {
    let looped = Mutex<BufferedLineSink?>(nil)
    let sink = BufferedLineSink(
      bytesMax: 100, wakeBytes: 100,
      output: { bytes in
        looped.withLock { $0 }?.write([1], isUrgent: true)
        return bytes.count
      })
    looped.withLock { $0 = sink }
    sink.write([0], isUrgent: false)
    sink.drain()
    #expect(sink.pendingBytes == 1)
    looped.withLock { $0 = nil }
  }

  @Test func `writers side by side lose nothing and tear no line`() async {
    let stream = Stream()
    let sink = stream.sink(bytesMax: 1 << 20, wakeBytes: 64)
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask { @concurrent in
          for number in 0..<200 {
            sink.write(Array("\(writer) \(number)\n".utf8), isUrgent: false)
            if number % 17 == 0 { sink.drain() }
          }
        }
      }
    }
    sink.drain()
    let lines = stream.written.split(separator: "\n")
    #expect(lines.count == 1600)
    for writer in 0..<8 {
      let own = lines.filter { $0.hasPrefix("\(writer) ") }
      #expect(own.map { String($0) } == (0..<200).map { "\(writer) \($0)" })
    }
  }
}
