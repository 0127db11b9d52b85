// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The bounds within which bytes from a stranger are parsed. All counts include line ends.
public struct WireLimits: Hashable, Sendable {
  /// Longest request line or field line. Bearer tokens have 2-4 KiB and the `_state` of an upload under 1 KiB; the
  /// longest line that a registry sees is the Range of Podman's partial pulls: 1024 ranges of two 10-digit positions.
  public var lineBytesMax: Int

  /// Longest request head: what a stalled connection can make us hold. 32 KiB is nginx's 4 buffers of 8 KiB.
  public var headBytesMax: Int

  /// Most field lines in a head: lookups are linear, so their number is kept small. Apache's limit; clients send
  /// fewer than 15, proxies add fewer than 20.
  public var fieldsMax: Int

  /// Most empty lines skipped before a request line (RFC 9112, 2.2 asks for at least one): old clients send one line
  /// end after a body that did not count it.
  public var emptyLinesMax: Int

  /// Longest chunk-size line with its extensions. A size needs 16 digits; nobody sends extensions, so 256 is ample.
  public var chunkLineBytesMax: Int

  /// How many bytes of chunk-size lines a body may spend beyond what its data pays for (16 bytes a chunk and twice its
  /// data are free): one-byte chunks with long extensions would otherwise cost hundreds of bytes for each byte of body.
  public var chunkOverheadBytesMax: Int

  /// Most bytes of trailer fields, which are discarded: they hold a checksum or two where they are used at all.
  public var trailerBytesMax: Int

  /// The limits, each with its default.
  public init(
    lineBytesMax: Int = 24 * 1024, headBytesMax: Int = 32 * 1024, fieldsMax: Int = 100, emptyLinesMax: Int = 4,
    chunkLineBytesMax: Int = 256, chunkOverheadBytesMax: Int = 16 * 1024, trailerBytesMax: Int = 8 * 1024
  ) {
    precondition(lineBytesMax > 0 && headBytesMax > 0 && headBytesMax <= 1 << 24, "limits out of range")
    self.lineBytesMax = lineBytesMax
    self.headBytesMax = headBytesMax
    self.fieldsMax = fieldsMax
    self.emptyLinesMax = emptyLinesMax
    self.chunkLineBytesMax = chunkLineBytesMax
    self.chunkOverheadBytesMax = chunkOverheadBytesMax
    self.trailerBytesMax = trailerBytesMax
  }
}
