// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

// RFC 3339 as Go writes and reads it: log lines, the time stamps of uploads, and the times in their `_state`.

extension WallTime {
  /// `2026-11-22T03:22:02.5Z`: in UTC, with as many digits of the second's fraction as it needs. For years 0 to 9999.
  public var rfc3339: String {
    var text: [UInt8] = []
    appendRFC3339(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends ``rfc3339`` as bytes.
  public func appendRFC3339(to output: inout [UInt8]) {
    let time = CalendarTime(secondsSinceEpoch: seconds)
    CalendarTime.append(time.year, width: 4, to: &output)
    let parts: [(Unicode.Scalar, Int)] = [
      ("-", time.month), ("-", time.day), ("T", time.hour), (":", time.minute), (":", time.second),
    ]
    for (mark, value) in parts {
      output.append(UInt8(ascii: mark))
      CalendarTime.append(value, width: 2, to: &output)
    }
    if nanoseconds > 0 {
      output.append(UInt8(ascii: "."))
      CalendarTime.append(Int(nanoseconds), width: 9, to: &output)
      while output.last == UInt8(ascii: "0") { output.removeLast() }
    }
    output.append(UInt8(ascii: "Z"))
  }

  /// The time behind a text; nil when it is no date and time of RFC 3339. Zones are applied; digits of the fraction
  /// beyond the ninth are dropped.
  public init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 64 else { return nil }
    for (place, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] as [(Int, Unicode.Scalar)] {
      guard bytes[place] == UInt8(ascii: mark) else { return nil }
    }
    guard let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
      let day = Self.number(bytes[8..<10]), let hour = Self.number(bytes[11..<13]),
      let minute = Self.number(bytes[14..<16]), let second = Self.number(bytes[17..<19]),
      (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var place = 19
    var nanoseconds: Int64 = 0
    if bytes[place] == UInt8(ascii: ".") {
      let digits = bytes[(place + 1)...].prefix { Self.isDigit($0) }
      guard let fraction = Self.number(digits.prefix(9)) else { return nil }
      nanoseconds = (digits.count..<max(digits.count, 9)).reduce(fraction) { value, _ in value * 10 }
      place += 1 + digits.count
    }
    guard let offset = Self.zone(Array(bytes[place...])) else { return nil }
    self.init(
      seconds: Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset,
      nanoseconds: Int32(nanoseconds))
  }

  private static func zone(_ bytes: [UInt8]) -> Int64? {
    if bytes == [UInt8(ascii: "Z")] { return 0 }
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"), let hours = number(bytes[1..<3]), hours < 24,
      let minutes = number(bytes[4..<6]), minutes < 60
    else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
    case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
    default: return nil
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
  }

  /// Days since 1970-01-01, in eras of 400 years that begin on 1 March, so that a leap day comes last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
