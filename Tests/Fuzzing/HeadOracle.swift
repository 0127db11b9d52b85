// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire

/// Judges accepted heads by rules written down a second time, in another way: text, lines and words instead of a walk
/// over bytes. It knows nothing of how the parser works.
public enum HeadOracle {
  /// Why these bytes, which the parser took as a head, should have been refused.
  public static func complaint(_ bytes: [UInt8], _ head: RequestHead, _ limits: WireLimits) -> String? {
    // One scalar for each byte.
    var text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))[...].unicodeScalars
    while text.starts(with: "\r\n".unicodeScalars) { text = text.dropFirst(2) }
    guard text.count <= limits.headBytesMax else { return "the head is too long" }
    let lines = Array(text).split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    guard lines.count >= 3, lines[lines.count - 1].isEmpty, lines[lines.count - 2] == ["\r"] else {
      return "the head does not end in an empty line"
    }
    let own = lines.dropLast(2).map { $0.dropLast() }
    guard lines.dropLast().allSatisfy({ $0.last == "\r" }) else { return "a bare LF" }
    guard own.allSatisfy({ !$0.contains("\r") }) else { return "a bare CR" }
    guard own.allSatisfy({ $0.allSatisfy { $0.value >= 32 && $0.value != 127 || $0 == "\t" } }) else {
      return "a control byte"
    }
    guard own.allSatisfy({ $0.count + 2 <= limits.lineBytesMax }) else { return "a line is too long" }
    guard own.count - 1 <= limits.fieldsMax else { return "too many fields" }
    let words = own[0].split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, !words[1].isEmpty else { return "the request line has not three words" }
    let version = String(String.UnicodeScalarView(words[2]))
    guard version == "HTTP/1.1" || version == "HTTP/1.0" else { return "the version is \(version)" }
    guard words[1].allSatisfy({ $0.value > 32 && $0.value < 127 && $0 != "#" }) else { return "a byte in the target" }
    return fields(own.dropFirst().map { Array($0) }, isModern: version == "HTTP/1.1", head)
  }

  private static func fields(_ lines: [[Unicode.Scalar]], isModern: Bool, _ head: RequestHead) -> String? {
    var named: [String: [String]] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { return "a line without a colon" }
      let name = String(String.UnicodeScalarView(line[..<colon]))
      guard !name.isEmpty, !name.contains(where: { " \t\"(),/;<=>?@[\\]{}".contains($0) || !$0.isASCII }) else {
        return "the name \(name)"
      }
      var value = line[(colon + 1)...]
      while let first = value.first, first == " " || first == "\t" { value = value.dropFirst() }
      while let last = value.last, last == " " || last == "\t" { value = value.dropLast() }
      named[name.lowercased(), default: []].append(String(String.UnicodeScalarView(value)))
    }
    let hosts = named["host"] ?? []
    guard hosts.count <= 1, hosts.count == 1 || !isModern else { return "\(hosts.count) hosts" }
    let lengths = named["content-length"] ?? []
    let codings = named["transfer-encoding"] ?? []
    guard lengths.count + codings.count <= 1 else { return "more than one framing" }
    let expected: BodyFraming
    if let length = lengths.first {
      guard !length.isEmpty, length.unicodeScalars.allSatisfy({ $0 >= "0" && $0 <= "9" }), let value = UInt64(length),
        value <= UInt64(Int64.max)
      else { return "the length \(length)" }
      expected = .length(value)
    } else if let coding = codings.first {
      guard isModern, coding.lowercased() == "chunked" else { return "the coding \(coding)" }
      expected = .chunked
    } else {
      expected = .none
    }
    guard head.framing == expected else { return "framing \(head.framing), where the bytes say \(expected)" }
    guard head.fieldCount == lines.count else { return "\(head.fieldCount) fields of \(lines.count)" }
    for (name, wanted) in [("host", hosts), ("content-length", lengths), ("transfer-encoding", codings)] {
      let found = (0..<head.fieldCount).map { head.field(at: $0) }
        .count { String(decoding: $0.name, as: UTF8.self).lowercased() == name }
      guard found == wanted.count else { return "\(found) fields called \(name) of \(wanted.count)" }
    }
    return nil
  }
}
