// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension HTTPDate {
  /// Reads any of the three forms of RFC 9110, 5.6.7: IMF-fixdate, RFC 850's and asctime's. Nil for anything else:
  /// recipients ignore a condition whose date they cannot read. The day's name must be a day's name, but need not be
  /// the right one. Years of two digits are 1970 to 2069.
  public init?(parsing text: String) {
    var reader = DateReader(text)
    guard let date = reader.imfFixdate() ?? reader.rfc850() ?? reader.asctime() else { return nil }
    self = date
  }
}

/// Tries one form after another on the same text.
private struct DateReader {
  private let bytes: [UInt8]
  private var position = 0
  private var isBroken = false

  init(_ text: String) {
    // The longest form has 33 bytes.
    bytes = Array(text.utf8.prefix(64))
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`
  mutating func imfFixdate() -> HTTPDate? {
    start()
    _ = name(of: HTTPDate.weekdays)
    literal(", ")
    let day = number(digits: 2)
    literal(" ")
    let month = name(of: HTTPDate.months)
    literal(" ")
    let year = number(digits: 4)
    literal(" ")
    let second = time()
    literal(" GMT")
    return finish(year, month, day, second)
  }

  /// `Sunday, 06-Nov-94 08:49:37 GMT`
  mutating func rfc850() -> HTTPDate? {
    start()
    _ = name(of: HTTPDate.weekdaysLong)
    literal(", ")
    let day = number(digits: 2)
    literal("-")
    let month = name(of: HTTPDate.months)
    literal("-")
    let short = number(digits: 2)
    literal(" ")
    let second = time()
    literal(" GMT")
    return finish(short < 70 ? 2000 + short : 1900 + short, month, day, second)
  }

  /// `Sun Nov  6 08:49:37 1994`
  mutating func asctime() -> HTTPDate? {
    start()
    _ = name(of: HTTPDate.weekdays)
    literal(" ")
    let month = name(of: HTTPDate.months)
    literal(" ")
    let isPadded = position < bytes.count && bytes[position] == Octet.space
    if isPadded { position += 1 }
    let day = number(digits: isPadded ? 1 : 2)
    literal(" ")
    let second = time()
    literal(" ")
    let year = number(digits: 4)
    return finish(year, month, day, second)
  }

  private mutating func start() {
    position = 0
    isBroken = false
  }

  private func finish(_ year: Int, _ month: Int, _ day: Int, _ second: Int) -> HTTPDate? {
    guard !isBroken, position == bytes.count, day >= 1, day <= 31 else { return nil }
    let days = HTTPDate.days(year: year, month: month + 1, day: day)
    // A day past the end of its month would land in the next one.
    let next = month == 11 ? (year + 1, 1) : (year, month + 2)
    guard days < HTTPDate.days(year: next.0, month: next.1, day: 1) else { return nil }
    return HTTPDate(unixSeconds: days * 86_400 + Int64(second))
  }

  private mutating func time() -> Int {
    let hour = number(digits: 2)
    literal(":")
    let minute = number(digits: 2)
    literal(":")
    let second = number(digits: 2)
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 { isBroken = true }
    return hour * 3600 + minute * 60 + second
  }

  private mutating func literal(_ text: String) {
    for byte in text.utf8 {
      if position >= bytes.count || bytes[position] != byte {
        isBroken = true
        return
      }
      position += 1
    }
  }

  private mutating func number(digits: Int) -> Int {
    var value = 0
    for _ in 0..<digits {
      guard position < bytes.count, Octet.isDigit(bytes[position]) else {
        isBroken = true
        return 0
      }
      value = value * 10 + Int(bytes[position] - Octet.zero)
      position += 1
    }
    return value
  }

  private mutating func name(of names: [String]) -> Int {
    for (index, name) in names.enumerated() where bytes[min(position, bytes.count)...].starts(with: name.utf8) {
      position += name.utf8.count
      return index
    }
    isBroken = true
    return 0
  }
}
