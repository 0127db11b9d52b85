// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire

extension FuzzTarget {
  /// Range headers: ranges lie within the size, in number, apart; a byte-by-byte reading selects the same bytes.
  public static let range = FuzzTarget(
    "range", corpus: [Corpus(http: "ranges")], words: ["bytes=", "0-", "-1", ",", "9-9", "99999999999999999999"]
  ) { input, random in
    let header = String(decoding: input, as: UTF8.self)
    let size = [0, 1, 10, 100, UInt64.max][random.below(5)]
    let max = 1 + random.below(6)
    guard case .satisfiable(let ranges) = ByteRanges.resolve(header, size: size, rangesMax: max) else { return nil }
    guard !ranges.isEmpty, ranges.count <= max else { return "\(ranges.count) ranges" }
    for (index, range) in ranges.enumerated() {
      guard !range.isEmpty, range.upperBound <= size else { return "\(range) of \(size)" }
      guard !ranges[(index + 1)...].contains(where: range.overlaps) else { return "overlaps: \(ranges)" }
    }
    guard size <= 100 else { return nil }
    let selected = (0..<size).filter { byte in ranges.contains { $0.contains(byte) } }
    let wanted = (0..<size).filter { byte in
      header.dropFirst(6).split(separator: ",").contains { selects($0, byte, of: size) }
    }
    return selected == wanted ? nil : "selects \(selected), not \(wanted)"
  }

  /// One element of a Range header, read by the book for one byte.
  private static func selects(_ element: Substring, _ byte: UInt64, of size: UInt64) -> Bool {
    let ends = element.filter { $0 != " " && $0 != "\t" }.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else { return false }
    // A number beyond 64 bits lies past every size.
    let last = ends[1].isEmpty ? UInt64.max : UInt64(ends[1]) ?? .max
    if ends[0].isEmpty { return !ends[1].isEmpty && byte >= size - Swift.min(last, size) }
    return byte >= UInt64(ends[0]) ?? .max && byte <= last
  }

  /// Content-Range headers: an accepted one is in order, and prints to itself.
  public static let contentRange = FuzzTarget(
    "contentRange", corpus: [Corpus(http: "content-ranges")], words: ["bytes ", "-", "/*", "9223372036854775807"]
  ) { input, _ in
    let text = String(decoding: input, as: UTF8.self)
    do throws(WireError) {
      let range = try ContentRange(parsing: text)
      guard range.start <= range.end, Int(exactly: range.length) != nil else { return "\(range)" }
      if let size = range.size, range.end >= size { return "\(range)" }
      guard try ContentRange(parsing: range.text) == ContentRange(start: range.start, end: range.end) else {
        return "printed as \(range.text)"
      }
      let numbers = text.split { !("0"..."9" ~= $0) }.map { UInt64($0) }
      guard numbers == [range.start, range.end] + (range.size.map { [$0] } ?? []) else { return "read as \(range)" }
    } catch {
      guard error.status == .badRequest, !error.reason.isEmpty else { return "\(error)" }
    }
    return nil
  }

  /// Queries and paths: decoded once, in order; encoded and decoded again the same; hazards seen.
  public static let query = FuzzTarget(
    "query", corpus: [Corpus(http: "queries")], words: ["%2F", "%00", "%2e", "..", "/../", "%25", "&", "=", "%C3%A9"]
  ) { input, _ in
    do throws(WireError) {
      let query = try Query(parsing: input[...])
      let encoded = Query.encode(query.pairs)
      guard encoded.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 35 && $0 != 43 }) else {
        return "encoded: \(encoded)"
      }
      guard try Query(parsing: encoded) == query || query.pairs.contains(where: { $0.name.isEmpty }) else {
        return "encoded and decoded again, the query differs"
      }
    } catch {
      guard !error.reason.isEmpty else { return "no reason" }
    }
    do throws(WireError) {
      let target = try RequestTarget(parsing: input[...])
      let isHazardous = target.segments.contains { $0 == "." || $0 == ".." || $0.contains("/") || $0.contains("\0") }
      guard !isHazardous || !target.hazards.isEmpty else { return "hazards missed in \(target.segments)" }
      guard RequestTarget.isPlain(input[...]) else { return nil }
      guard target.hazards.isEmpty, Array("/\(target.segments.joined(separator: "/"))".utf8) == input else {
        return "called plain, but \(target)"
      }
    } catch {
      guard !error.reason.isEmpty, !RequestTarget.isPlain(input[...]) else { return "plain, but \(error)" }
    }
    return nil
  }

  /// Fields of a response: however hostile the value, one line, and a parser finds the same field in it.
  public static let fields = FuzzTarget(
    "fields", corpus: [Corpus(http: "fields")], words: ["\r\n", "Set-Cookie: a\r\n", ": ", "\0"]
  ) { input, _ in
    let colon = input.firstIndex(of: UInt8(ascii: ":")) ?? input.endIndex
    let name = String(decoding: input[..<colon], as: UTF8.self)
    let value = String(decoding: input[Swift.min(colon + 1, input.count)...], as: UTF8.self)
    var fields = Fields()
    fields.append("Host", "a")
    do throws(WireError) { try fields.append(name: name, value) } catch {
      return fields.rendered == Array("Host: a\r\n".utf8) ? nil : "a refused field left bytes behind"
    }
    let lines = Array(fields).count
    guard lines == 2, fields.rendered.count(where: { $0 == 10 }) == 2, fields.rendered.count(where: { $0 == 13 }) == 2
    else { return "\(lines) lines" }
    let request = Array("GET / HTTP/1.0\r\n".utf8) + fields.rendered + [13, 10]
    if case .failed(let error) = HeadReplay.event(request, ends: [request.count], limits: WireLimits()),
      error.isOfFields
    {
      return "a parser refuses the lines: \(error)"
    }
    do throws(WireError) { _ = try ForwardedElement(parsingFirst: value) } catch {
      guard !error.reason.isEmpty else { return "no reason" }
    }
    return nil
  }

  /// Entity tags and dates: accepted ones print to themselves.
  public static let entityTag = FuzzTarget(
    "entityTag", corpus: [Corpus(http: "entity-tags")], words: ["W/", "\"", "*", ", ", " GMT", "29 Feb "]
  ) { input, _ in
    let text = String(decoding: input, as: UTF8.self)
    do throws(WireError) {
      if case .tags(let tags) = try EntityTagCondition(parsing: text) {
        let printed = tags.map(\.text).joined(separator: ", ")
        guard try EntityTagCondition(parsing: printed) == .tags(tags) else { return "printed as \(printed)" }
      }
    } catch {
      guard !error.reason.isEmpty else { return "no reason" }
    }
    if let date = HTTPDate(parsing: text), HTTPDate(parsing: date.text) != date { return "printed as \(date.text)" }
    _ = IfRangeCondition(parsing: text)
    return nil
  }
}

extension WireError {
  /// Whether a field's line itself was refused, rather than what fields say together.
  fileprivate var isOfFields: Bool {
    switch self {
    case .bareCarriageReturn, .bareLineFeed, .fieldFolded, .fieldNameEmpty, .fieldNameByte, .fieldSpaceBeforeColon,
      .fieldColonMissing, .fieldValueByte:
      true
    default: false
    }
  }
}
