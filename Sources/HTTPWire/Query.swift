// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The parameters of a query, decoded, in the order in which they were sent.
///
/// `+` is itself, as RFC 3986 has it, not a space: no parameter of a registry holds a space, while media types hold a
/// plus (`artifactType=application/vnd.example+json`). `encode` writes neither bare.
public struct Query: Hashable, Sendable {
  /// A name and its value; the value is empty where there was no `=`.
  public struct Pair: Hashable, Sendable {
    /// The decoded name.
    public let name: String
    /// The decoded value.
    public let value: String

    /// A pair of decoded texts.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Most pairs by default: no request of a registry has more than five.
  public static var pairsMaxDefault: Int { 64 }

  /// All pairs, in order, duplicates included.
  public let pairs: [Pair]

  /// No parameters.
  public init() {
    pairs = []
  }

  /// Splits at `&` and decodes. A broken percent-encoding, or one that hides no UTF-8, is an error that names the
  /// place; so are more than `pairsMax` pairs. Empty pieces are skipped.
  public init(parsing query: ArraySlice<UInt8>, pairsMax: Int = Query.pairsMaxDefault) throws(WireError) {
    var pairs: [Pair] = []
    var start = query.startIndex
    while start < query.endIndex {
      let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.endIndex
      if start < end {
        guard pairs.count < pairsMax else { throw .queryPairsTooMany(max: pairsMax) }
        let equals = query[start..<end].firstIndex(of: Octet.equals) ?? end
        let valueStart = min(equals + 1, end)
        let name = try PercentEncoding.decoded(query[start..<equals], base: start - query.startIndex)
        let value = try PercentEncoding.decoded(query[valueStart..<end], base: valueStart - query.startIndex)
        pairs.append(Pair(name: name, value: value))
      }
      start = end + 1
    }
    self.pairs = pairs
  }

  /// The same for a text.
  public init(parsing query: String, pairsMax: Int = Query.pairsMaxDefault) throws(WireError) {
    try self.init(parsing: Array(query.utf8)[...], pairsMax: pairsMax)
  }

  /// The value of the first pair of this name, in exactly this spelling.
  public func first(_ name: String) -> String? {
    pairs.first { $0.name == name }?.value
  }

  /// The values of all pairs of this name.
  public func all(_ name: String) -> [String] {
    pairs.filter { $0.name == name }.map(\.value)
  }

  /// A query of these pairs, in this order, everything but unreserved characters percent-encoded: for Link and
  /// Location.
  public static func encode(_ pairs: KeyValuePairs<String, String>) -> String {
    encode(pairs.map { Pair(name: $0.key, value: $0.value) })
  }

  /// The same for a list of pairs.
  public static func encode(_ pairs: [Pair]) -> String {
    var output: [UInt8] = []
    for pair in pairs {
      if !output.isEmpty { output.append(UInt8(ascii: "&")) }
      PercentEncoding.encode(pair.name, to: &output)
      output.append(Octet.equals)
      PercentEncoding.encode(pair.value, to: &output)
    }
    return String(decoding: output, as: UTF8.self)
  }
}
