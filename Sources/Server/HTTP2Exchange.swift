// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

/// One request of an HTTP/2 connection and its response, from its head to the last frame. Lives in the connection's
/// isolation.
final class HTTP2Exchange {
  let stream: Int32
  /// Nil for a head that was refused.
  let head: RequestHead?
  let id: RequestID
  let began: LoopInstant

  /// Nil until there is a response.
  var status: HTTPStatus?
  /// A response that was known at once and could not be submitted at once.
  var response: Response?
  /// Whether a task is still at work for it.
  var isServed = true
  /// Whether the client will not see any more of it.
  private(set) var isCut = false

  /// Why no more of the request's body will come.
  private(set) var bodyFailure: BodyError?
  /// Whether the client waits for `100 Continue`.
  var isContinueAwaited: Bool
  /// Since when bytes of the request's body are waited for.
  private(set) var awaitsBodySince: LoopInstant?
  private var bodyWaiter: CheckedContinuation<Void, Never>?

  /// Whether it counts among those that may be answered from a file.
  var mayUseFile = false

  /// The file whose next part has to be brought into memory before the response goes on.
  var awaitedFile: HTTP2File?
  /// Why a file could not be read to its end.
  var fileFailure: StreamError?

  /// Whether more of a streamed response was asked for.
  private var hasRoom = false
  private var roomWaiter: CheckedContinuation<Void, Never>?

  /// The response's bytes when they last moved, and when that was: what the deadline looks at.
  var sentSeen: UInt64 = 0
  var sentSeenAt: LoopInstant?

  init(stream: Int32, head: RequestHead?, id: RequestID, began: LoopInstant) {
    self.stream = stream
    self.head = head
    self.id = id
    self.began = began
    isContinueAwaited = head?.expectsContinue ?? false
  }

  /// Waits for bytes of the request's body, or for their end.
  func awaitBody(since now: LoopInstant, isThere: () -> Bool) async {
    awaitsBodySince = now
    await withCheckedContinuation { continuation in
      // Looked at again: bytes may have come before this body ran.
      if isThere() || bodyFailure != nil { continuation.resume() } else { bodyWaiter = continuation }
    }
    awaitsBodySince = nil
  }

  /// Something of the body has come.
  func bodyArrived() {
    bodyWaiter?.resume()
    bodyWaiter = nil
  }

  /// Waits until more of the response would be taken; false when nobody will take it.
  func awaitRoom() async -> Bool {
    while !isCut, !hasRoom {
      await withCheckedContinuation { continuation in
        if isCut || hasRoom { continuation.resume() } else { roomWaiter = continuation }
      }
    }
    hasRoom = false
    return !isCut
  }

  /// More of the response was asked for.
  func roomArrived() {
    hasRoom = true
    roomWaiter?.resume()
    roomWaiter = nil
  }

  /// No more of the body will come; whoever reads it is told why.
  func breakBody(_ failure: BodyError) {
    bodyFailure = bodyFailure ?? failure
    bodyArrived()
  }

  /// The stream or its connection has ended.
  func cut(_ failure: BodyError) {
    isCut = true
    awaitedFile = nil
    breakBody(failure)
    roomWaiter?.resume()
    roomWaiter = nil
  }
}
