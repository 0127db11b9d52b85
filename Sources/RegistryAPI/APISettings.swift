// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns

/// How the endpoints present themselves: the settings of this room. What the registry allows is in `RegistryPolicy`.
public struct APISettings: Sendable {
  /// A field that is added to every response.
  public struct Header: Sendable, Hashable {
    /// The field's name, a token of RFC 9110.
    public var name: String
    /// Its values, a line each.
    public var values: [String]

    /// Makes a field.
    public init(name: String, values: [String]) {
      self.name = name
      self.values = values
    }
  }

  /// The URL under which clients reach us, without a slash at its end (`http.host`); wins over every forwarded
  /// header.
  public var externalURL: String?
  /// The path before `v2/`, with a slash at both ends (`http.prefix`).
  public var prefix: String
  /// Location and Link hold paths (`http.relativeurls`).
  public var usesRelativeURLs: Bool
  /// Fields for every response (`http.headers`).
  public var headers: [Header]
  /// The key that signs the `_state` of uploads (`http.secret`).
  public var secret: [UInt8]
  /// Longest page of the catalog; a larger `n` is clamped to it.
  public var catalogEntriesMax: Int
  /// Longest page of tags when `n` is given; a larger `n` is clamped to it.
  public var tagsMax: Int
  /// Most tags in one push by digest (clause 7.9 asks for at least 10).
  public var pushedTagsMax: Int
  /// Bytes of manifests on their way in that the requests of one loop hold together. Each is held whole until it is
  /// stored, so without a bound many slow pushes could fill the memory. 64 MiB are 16 of the largest, or thousands.
  public var manifestBytesInFlightMax: Int
  /// Bytes of long answers (large manifests, long lists) that one loop holds together for clients that have not taken
  /// them yet. Without a bound many slow readers could fill the memory.
  public var answerBytesInFlightMax: Int
  /// Most ranges that are served in one response; with more the whole blob is sent. Podman asks for up to 1024 when it
  /// fetches what it lacks of a zstd:chunked layer; as no two of them overlap, each costs a part's header and no more.
  public var rangesMax: Int

  /// Files that one loop holds open for answers that clients have not taken yet; one that several answers share counts
  /// once. Without a bound one client could take all descriptors by reading nothing.
  public var answerFilesMax = 1024

  /// Proxies whose word on the address of their client is believed (`http.clientlimits.trustedproxies`).
  public var trustedProxies = AddressSet()

  /// Settings; without arguments those of a registry that is reached directly.
  public init(
    externalURL: String? = nil, prefix: String = "/", usesRelativeURLs: Bool = false, headers: [Header] = [],
    secret: [UInt8], catalogEntriesMax: Int = 1000, tagsMax: Int = 1000, pushedTagsMax: Int = 32,
    manifestBytesInFlightMax: Int = 64 * 1024 * 1024, answerBytesInFlightMax: Int = 64 * 1024 * 1024,
    rangesMax: Int = 1024
  ) {
    precondition(prefix.hasPrefix("/") && prefix.hasSuffix("/"), "the prefix has a slash at both ends")
    precondition(!secret.isEmpty, "uploads are signed with a secret")
    self.externalURL = externalURL
    self.prefix = prefix
    self.usesRelativeURLs = usesRelativeURLs
    self.headers = headers
    self.secret = secret
    self.catalogEntriesMax = catalogEntriesMax
    self.tagsMax = tagsMax
    self.pushedTagsMax = pushedTagsMax
    self.manifestBytesInFlightMax = manifestBytesInFlightMax
    self.answerBytesInFlightMax = answerBytesInFlightMax
    self.rangesMax = rangesMax
  }
}
