// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A date of HTTP, to the second (RFC 9110, 5.6.7).
public struct HTTPDate: Hashable, Comparable, Sendable {
  /// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
  public let unixSeconds: Int64

  /// A date between the years 0 and 9999; others are clamped to these.
  public init(unixSeconds: Int64) {
    self.unixSeconds = min(max(unixSeconds, -62_167_219_200), 253_402_300_799)
  }

  /// The date in the form that is sent, as in `Sun, 06 Nov 1994 08:49:37 GMT`: 29 bytes.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The same form as bytes, for `ResponseWriter`.
  public var bytes: [UInt8] {
    let days = unixSeconds.floorDivided(by: 86_400)
    let second = Int(unixSeconds - days * 86_400)
    let date = Self.civil(fromDays: days)
    let weekday = Int((days + 4) - (days + 4).floorDivided(by: 7) * 7)
    var output: [UInt8] = []
    output.reserveCapacity(29)
    output.append(contentsOf: Self.weekdays[weekday].utf8)
    output.append(contentsOf: ", ".utf8)
    Self.append(date.day, digits: 2, to: &output)
    output.append(Octet.space)
    output.append(contentsOf: Self.months[date.month - 1].utf8)
    output.append(Octet.space)
    Self.append(date.year, digits: 4, to: &output)
    output.append(Octet.space)
    Self.append(second / 3600, digits: 2, to: &output)
    output.append(Octet.colon)
    Self.append(second / 60 % 60, digits: 2, to: &output)
    output.append(Octet.colon)
    Self.append(second % 60, digits: 2, to: &output)
    output.append(contentsOf: " GMT".utf8)
    return output
  }

  /// Earlier before later.
  public static func < (one: HTTPDate, other: HTTPDate) -> Bool { one.unixSeconds < other.unixSeconds }

  static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  static let weekdaysLong = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private static func append(_ value: Int, digits: Int, to output: inout [UInt8]) {
    var divisor = digits == 4 ? 1000 : 10
    while divisor > 0 {
      output.append(Octet.zero + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  /// The proleptic Gregorian date of a count of days since 1970-01-01, reckoned in years that begin in March, so that
  /// the leap day is a year's last.
  private static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (Int(year), Int(month), Int(day))
  }

  /// The count of days since 1970-01-01 of a proleptic Gregorian date.
  static func days(year: Int, month: Int, day: Int) -> Int64 {
    let year = Int64(month <= 2 ? year - 1 : year)
    let era = year.floorDivided(by: 400)
    let yearOfEra = year - era * 400
    let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
