// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A connected, ordered stream of bytes: a TCP or unix-domain connection, a TLS session over one, or a simulated one.
///
/// Isolation and ownership: belongs to one loop and one owner there; not `Sendable`. At most one read and one write
/// are under way at a time. Every wait ends when the stream is closed.
public protocol ByteStream: AnyObject {
  /// Who is at the other end, for logs and limits.
  var peer: PeerAddress { get }

  /// Bytes that came in and went out so far; grows while the other end is alive, which is what deadlines ask.
  var progress: UInt64 { get }

  /// Bytes that the transport took so far: whether the other end takes anything at all, whatever it sends.
  var sent: UInt64 { get }

  /// Whether bytes that ``writeAvailable(_:_:more:)`` took are held back, because the transport is full: a
  /// ``write(_:more:)``, of nothing perhaps, hands them over.
  var holdsUnsent: Bool { get }

  /// What protects the stream: nil on a plain one, and before it is established.
  var security: StreamSecurity? { get }

  /// Does what comes before the first byte of content, such as the handshake of TLS, as far as what has arrived allows.
  /// True when content can be exchanged, which a plain stream can at once; false when the other end has to speak first:
  /// to be called again when the stream is readable. Called before anything is read or written, until it is true. After
  /// ``StreamError/insecure(reason:)`` the other end was told why; what it still sends may be read, to be dropped.
  func establish() async throws(StreamError) -> Bool

  /// Appends what has arrived, at most `limit` bytes, to `buffer`; waits until there is something.
  /// Returns how many bytes came; 0 at the end of the stream.
  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(StreamError) -> Int

  /// Whether something has arrived that was not read yet, as far as that can be told: what a read would bring, and what
  /// closing now would destroy. Asks the system.
  var hasArrival: Bool { get }

  /// Appends what has arrived already, at most `limit` bytes, without waiting. Nil when nothing has; 0 at the end.
  func readAvailable(into buffer: inout [UInt8], atMost limit: Int) throws(StreamError) -> Int?

  /// Calls `notify` once, on the loop, as soon as a read would find bytes, the end or a failure, or the stream is
  /// closed. Meanwhile no task waits, which is what makes an idle connection cheap. Not called while a read waits.
  func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void)

  /// Hands all of `bytes` to the transport, waiting while it is full. `more` says that further bytes follow at once,
  /// so that a head and the start of its body leave in one packet.
  func write(_ bytes: [UInt8], more: Bool) async throws(StreamError)

  /// Hands of `head` and then `body` to the transport what it takes now, without waiting; returns how many bytes that
  /// were. `more` as in ``write(_:more:)``. Not called while a write waits.
  func writeAvailable(_ head: [UInt8], _ body: [UInt8], more: Bool) throws(StreamError) -> Int

  /// Sends `count` bytes of `file` from `offset` without copying them through the process where the transport allows.
  /// Bytes that are not in memory are read by a worker first: a cold file never blocks the loop.
  func send(_ file: any OpenFile, from offset: UInt64, count: UInt64) async throws(StreamError)

  /// Sends of `count` bytes of `file` from `offset` what is known to be in memory and the transport takes now, without
  /// waiting; returns how many bytes that were. The rest, all of it perhaps, is for ``send(_:from:count:)``, which
  /// tells what is wrong behind bytes that have left, and that the stream is closed. To be asked for at most a MiB. Not
  /// called while a write waits.
  func sendAvailable(_ file: any OpenFile, from offset: UInt64, count: UInt64) throws(StreamError) -> UInt64

  /// Has `count` bytes of `file` from `offset` be in memory, for whoever reads them next: a worker reads what is not.
  /// To be asked for in pieces of at most a MiB.
  func prepare(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError)

  /// The `count` bytes of `file` from `offset`, for whoever has to wrap what it sends. Bytes that are in memory are
  /// copied at once, others are read by a worker: a cold file never blocks the loop. To be asked for in pieces of at
  /// most a MiB.
  func load(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) -> [UInt8]

  /// Says that nothing more will be written; the other end reads to its end of stream. Waits while the transport is too
  /// full for what has to be said before.
  func finishWriting() async

  /// Closes both directions at once; waits under way throw ``StreamError/closed``. Idempotent.
  func close()
}

extension ByteStream {
  /// Nothing: a plain stream takes no more than its transport does.
  public var holdsUnsent: Bool { false }

  /// Nothing: a plain stream.
  public var security: StreamSecurity? { nil }

  /// At once.
  public func establish() async throws(StreamError) -> Bool { true }

  /// Nothing: all of a file is left to ``send(_:from:count:)``.
  public func sendAvailable(_ file: any OpenFile, from offset: UInt64, count: UInt64) throws(StreamError) -> UInt64 {
    0
  }
}

/// Why a stream stopped.
public enum StreamError: Error, Sendable, Hashable {
  /// Closed on our side.
  case closed
  /// Reset or abandoned by the other end.
  case reset
  /// The file being sent ended before `count` bytes.
  case truncatedFile
  /// The file being sent could not be read.
  case unreadableFile(FileError)
  /// What protects the stream could not be agreed on, or was broken; the reason is for a log.
  case insecure(reason: String)
  /// Any other failure of the transport, with the system's error number.
  case failed(code: Int32)
}

/// The other end of a connection.
public struct PeerAddress: Sendable, Hashable {
  /// The address alone: `192.0.2.7`, `2001:db8::1`, or empty for a unix-domain socket.
  public var host: String
  /// The port; 0 for a unix-domain socket.
  public var port: UInt16

  /// Makes an address.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// `host:port`, IPv6 in brackets; `@` for a unix-domain socket, as Distribution's logs have it.
  public var description: String {
    if host.isEmpty { return "@" }
    return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// Where a server listens or what a listener is bound to.
public enum ListenAddress: Sendable, Hashable {
  /// A TCP address; host may be empty (every address), a name, IPv4 or IPv6; port 0 asks for a free one.
  case tcp(host: String, port: UInt16)
  /// The path of a unix-domain socket.
  case unix(path: String)
}

/// A bound, listening socket.
public protocol StreamListener: AnyObject, Sendable {
  /// The address it is bound to, with the port that was given.
  var address: ListenAddress { get }

  /// Waits for the next connection; nil once the listener is closed. Called by one task, on the listener's loop.
  func accept() async throws(StreamError) -> (any AcceptedStream)?

  /// Begins to turn new connections away before anything is sent on them, so that none is under way when ``finish()``
  /// is called a moment later. ``accept()`` goes on. False where there are no means to. Called on the listener's loop.
  func turnAway() -> Bool

  /// Stops accepting as ``close()`` does, and returns the connections that waited to be accepted and that closing would
  /// have reset. None where somebody else holds the socket, too, and accepts them. Called on the listener's loop.
  func finish() -> [any AcceptedStream]

  /// Stops accepting and wakes the waiting ``accept()``. Idempotent; called on the listener's loop.
  func close()
}

extension StreamListener {
  /// New connections are taken to the end.
  public func turnAway() -> Bool { false }
}

/// A connection that was accepted and belongs to no loop yet.
public protocol AcceptedStream: AnyObject, Sendable {
  /// Who is at the other end. Asked for before ``open(on:)``.
  var peer: PeerAddress { get }

  /// Makes it a stream of the loop that the caller runs on. Called once.
  func open(on loop: any LoopExecutor) throws(StreamError) -> any ByteStream

  /// Drops it without a word. Does nothing after ``open(on:)``.
  func refuse()
}
