// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What one HTTP/2 connection may take. Each default has its reason beside it; docs/HTTP2.md tells what each answers.
public struct HTTP2Limits: Sendable, Hashable {
  /// Requests of one connection that are answered at once, those counted whose client has reset them already. 100 is
  /// what RFC 9113 names as the least, what Go and curl assume before they are told, and more layers than images have.
  public var streamsMax: Int
  /// Bytes of a request body that are taken before anybody reads it: what a client may send beside its head.
  public var unreadBodyBytesMax: Int
  /// Bytes of a request body that are taken ahead of its reader, once it reads: a fast network's round trip.
  public var streamWindowBytes: Int
  /// Bytes of all request bodies of a connection that are held. More than ``streamsMax`` unread bodies hold, so that
  /// those never keep a body from coming that somebody reads.
  public var connectionWindowBytes: Int
  /// Payload of a frame that is taken. Bodies are passed on as they come, so only heads make a frame be held, and they
  /// have limits of their own.
  public var frameBytesMax: Int
  /// CONTINUATION frames of one head: each may hold a whole frame, and no client needs a second.
  public var continuationsMax: Int
  /// Acknowledgements of pings and settings that wait because the client does not read.
  public var acknowledgementsMax: Int
  /// Frames of all kinds that wait because the client does not read, beside four for each stream.
  public var outboundFramesMax: Int
  /// Resets at once, by the client or because of what it sent; a client that gives up a pull resets its streams at
  /// most. Rapid reset (CVE-2023-44487) needs many thousand.
  public var resetsBurst: Int
  /// Resets that are forgiven each second.
  public var resetsPerSecond: Int
  /// Frames at once that carry nothing: pings, settings, priorities, continuations, unknown ones, DATA of a few bytes,
  /// window updates beyond ``windowUpdatesPerFrame``, and frames that a window of a few bytes made us send.
  public var controlFramesBurst: Int
  /// Such frames that are forgiven each second.
  public var controlFramesPerSecond: Int
  /// Window updates that each DATA frame of ours pays for. Go's client sends one for every 4 KiB, for stream and
  /// connection each: eight for a frame of 16 KiB.
  public var windowUpdatesPerFrame: Int
  /// A DATA frame with fewer bytes, and not the last of its stream, carries next to nothing, whoever sends it.
  public var smallFrameBytes: Int
  /// How many times ``GantryHTTPWire/WireLimits/headBytesMax`` and `fieldsMax` a head may decode to before the
  /// connection ends. Below, its request is answered with 431; a few bytes that stand for megabytes are an attack.
  public var headExcessMax: Int

  /// Makes limits; each has its default.
  public init(
    streamsMax: Int = 100, unreadBodyBytesMax: Int = 65_535, streamWindowBytes: Int = 1 << 20,
    connectionWindowBytes: Int = 8 << 20, frameBytesMax: Int = 64 << 10,
    continuationsMax: Int = 8, acknowledgementsMax: Int = 128, outboundFramesMax: Int = 1000, resetsBurst: Int = 200,
    resetsPerSecond: Int = 20,
    controlFramesBurst: Int = 1000, controlFramesPerSecond: Int = 100, windowUpdatesPerFrame: Int = 10,
    smallFrameBytes: Int = 32, headExcessMax: Int = 4
  ) {
    self.streamsMax = streamsMax
    self.unreadBodyBytesMax = unreadBodyBytesMax
    self.streamWindowBytes = streamWindowBytes
    self.connectionWindowBytes = connectionWindowBytes
    self.frameBytesMax = frameBytesMax
    self.continuationsMax = continuationsMax
    self.acknowledgementsMax = acknowledgementsMax
    self.outboundFramesMax = outboundFramesMax
    self.resetsBurst = resetsBurst
    self.resetsPerSecond = resetsPerSecond
    self.controlFramesBurst = controlFramesBurst
    self.controlFramesPerSecond = controlFramesPerSecond
    self.windowUpdatesPerFrame = windowUpdatesPerFrame
    self.smallFrameBytes = smallFrameBytes
    self.headExcessMax = headExcessMax
  }
}
