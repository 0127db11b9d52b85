// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryLimiting
internal import GantryWorld

/// What a connection leaves to the one that goes on with its stream in another version of HTTP.
struct HandOver: @unchecked Sendable {
  // Safe because: both connections live on the stream's loop, and the first does not touch the stream afterwards.
  let stream: any ByteStream
  /// What came and was not used.
  let bytes: [UInt8]
  let identity: (UInt64, UInt64)
  /// Requests that were numbered so far.
  let served: UInt64
  /// What it is counted as, of its address.
  let place: ConnectionLimiter.Place?
  /// Whether it was told, before it was known what it speaks, to end when what is under way is answered.
  let isDraining: Bool
}
