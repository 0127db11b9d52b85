// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a session has received and not used yet, and what it wants sent: bytes of the transport.
///
/// Isolation: belongs to its session.
public final class TLSRecords {
  /// What came; whoever feeds the session appends to it.
  public var received: [UInt8] = []
  /// What is to be sent, in this order; whoever sends it takes it away.
  public var output: [UInt8] = []
  private var start = 0

  /// How many bytes came and were not used yet.
  public var unused: Int { received.count - start }

  /// Moves what was not used to the front, so that what is appended next does not grow the buffer for ever; gives the
  /// memory back when nothing is left and `keeping` does not hold.
  public func compact(keeping: Bool = false) {
    if start == received.count {
      if keeping { received.removeAll(keepingCapacity: true) } else { received = [] }
    } else if start > 0 {
      received.removeFirst(start)
    }
    start = 0
  }

  /// Takes what came, without a copy where nothing else is there.
  public func receive(_ bytes: consuming [UInt8]) {
    if unused == 0 {
      received = bytes
      start = 0
    } else {
      received.append(contentsOf: bytes)
    }
  }

  /// Gives OpenSSL at most `count` bytes; returns how many.
  func take(_ target: UnsafeMutableRawPointer, atMost count: Int) -> Int {
    let taken = min(count, unused)
    guard taken > 0 else { return 0 }
    unsafe received.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      unsafe target.copyMemory(from: base + start, byteCount: taken)
    }
    start += taken
    return taken
  }

  /// Takes what OpenSSL wants sent.
  func put(_ bytes: UnsafeRawBufferPointer) {
    unsafe output.append(contentsOf: bytes)
  }
}
