// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a tag list or a catalog has to say, known from the scenario and from nothing that the registry said.
///
/// Names that do not begin as the scenario's do are somebody else's: a registry may have them, and they are not
/// counted.
struct ListTruth: Sendable {
  /// The member of the answer that is the list.
  let key: String
  /// What the scenario's names begin with.
  private let prefix: [UInt8]
  private let names: [[UInt8]]
  /// Whether a whole list may be the answer to a page (docker-registry 2.8 ignores `n` for tags).
  let mayIgnorePages: Bool
  /// Whether a whole list may be cut into pages that nobody asked for.
  private let mayCut: Bool

  /// What an answer with all of the names has at least, in bytes.
  var wholeBytes: Int { names.count * (prefix.count + Padded.digits) }

  /// `prefix` is followed by the numbers from 0 to below `count`.
  init(key: String, prefix: String, count: Int, isCatalog: Bool) {
    self.key = key
    self.prefix = Array(prefix.utf8)
    names = (0..<count).map { Array((prefix + Padded.text($0)).utf8) }
    (mayIgnorePages, mayCut) = (!isCatalog, isCatalog)
  }

  /// What is wrong with an answer; nil when nothing is. `after` is the number of the name that a page of `page` names
  /// begins behind; nil where the whole list was asked for. `link` is the answer's Link.
  func fault(_ body: [UInt8], after: Int?, page: Int, link: String?) -> String? {
    guard let all = NameList.names(body, key) else { return "the answer has no list \"\(key)\"" }
    let told = all.filter { $0.starts(with: prefix) }
    let goesOn = link?.contains("next") == true
    guard let after else { return faultOfWhole(told, goesOn: goesOn) }
    let wanted = names[min(after + 1, names.count)..<min(after + 1 + page, names.count)]
    let isLast = after + 1 + page >= names.count
    guard let place = Self.difference(told, wanted), isWrongPage(told) else {
      if told.count == wanted.count, !isLast, !goesOn {
        return "the page ends before the list does, and the answer has no Link to the next"
      }
      return nil
    }
    return "name \(place + 1) of a page of \(page) is \(Self.text(told, place)), not \(Self.text(wanted, place))"
  }

  /// False where it is the whole list that a registry may send instead.
  private func isWrongPage(_ told: [ArraySlice<UInt8>]) -> Bool {
    guard mayIgnorePages, told.count == names.count else { return true }
    return faultOfWhole(told, goesOn: false) != nil
  }

  private func faultOfWhole(_ told: [ArraySlice<UInt8>], goesOn: Bool) -> String? {
    if Self.difference(told, names[...]) == nil { return nil }
    // docker-registry 2.8 lists tags as its directory has them, so that their order is none of a fault.
    let sorted = mayIgnorePages ? told.sorted { $0.lexicographicallyPrecedes($1) } : told
    if mayCut, goesOn, !told.isEmpty, Self.difference(sorted, names.prefix(told.count)) == nil { return nil }
    guard let place = Self.difference(sorted, names[...]) else { return nil }
    let words = "name \(place + 1) is \(Self.text(sorted, place)), not \(Self.text(names[...], place))"
    return "the whole list of \(names.count) was asked for, and \(told.count) of its names came: \(words)"
  }

  /// The first place at which two lists are unlike; nil where they are not.
  private static func difference(_ told: [ArraySlice<UInt8>], _ wanted: ArraySlice<[UInt8]>) -> Int? {
    for (place, (one, other)) in zip(told, wanted).enumerated() where !one.elementsEqual(other) { return place }
    return told.count == wanted.count ? nil : min(told.count, wanted.count)
  }

  private static func text<C: Collection>(_ names: C, _ place: Int) -> String
  where C.Element: Collection, C.Element.Element == UInt8 {
    guard place < names.count else { return "absent" }
    return "\"\(String(decoding: names[names.index(names.startIndex, offsetBy: place)].prefix(128), as: UTF8.self))\""
  }
}
