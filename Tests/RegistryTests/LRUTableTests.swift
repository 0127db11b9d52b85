// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Testing

@testable import GantryRegistry

struct LRUTableTests {
  @Test func whatWasNotUsedForLongestGoesFirst() {
    var table = LRUTable<String, Int>(countMax: 3, weightMax: 1000)
    for (index, key) in ["a", "b", "c"].enumerated() { table.keep(key, index, weight: 1, now: 0) }
    #expect(table.use("a", now: 1) == 0)
    table.keep("d", 3, weight: 1, now: 2)
    #expect(table.use("b", now: 3) == nil)
    #expect(["a", "c", "d"].map { table.use($0, now: 3) } == [0, 2, 3])
    #expect(table.count == 3 && table.weight == 3)
  }

  @Test func weightIsBoundedAndHeavyOnesAreNotKept() {
    var table = LRUTable<Int, Int>(countMax: 1000, weightMax: 80)
    table.keep(1, 1, weight: 11, now: 0)
    #expect(table.use(1, now: 0) == nil)
    for key in 0..<20 { table.keep(key, key, weight: 10, now: 0) }
    #expect(table.count == 8 && table.weight == 80)
    #expect((0..<20).filter { table.use($0, now: 0) != nil } == Array(12..<20))
    table.keep(19, -1, weight: 5, now: 0)
    #expect(table.count == 8 && table.weight == 75 && table.use(19, now: 0) == -1)
    var none = LRUTable<Int, Int>(countMax: 0, weightMax: 80)
    none.keep(1, 1, weight: 0, now: 0)
    #expect(none.count == 0)
  }

  @Test func theIdleAreForgotten() {
    var table = LRUTable<Int, Int>(countMax: 10, weightMax: 80)
    for key in 0..<5 { table.keep(key, key, weight: 1, now: UInt64(key)) }
    _ = table.use(0, now: 9)
    table.removeUnused(since: 3)
    #expect((0..<5).filter { table.use($0, now: 9) != nil } == [0, 3, 4])
    table.removeUnused(since: .max)
    #expect(table.count == 0 && table.weight == 0)
  }

  @Test(arguments: 0..<20) func itDoesWhatASimpleListDoes(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = LRUTable<Int, Int>(countMax: 5, weightMax: 64)
    var model: [(key: Int, value: Int, weight: Int)] = []  // oldest first
    for step in 0..<500 {
      let key = Int(random.next() % 12)
      switch random.next() % 3 {
      case 0:
        let expected = model.firstIndex { $0.key == key }
        #expect(table.use(key, now: UInt64(step)) == expected.map { model[$0].value })
        if let expected { model.append(model.remove(at: expected)) }
      case 1:
        let weight = Int(random.next() % 10)
        table.keep(key, step, weight: weight, now: UInt64(step))
        model.removeAll { $0.key == key }
        if weight <= 8 {
          while model.count >= 5 || model.reduce(weight, { $0 + $1.weight }) > 64 { model.removeFirst() }
          model.append((key, step, weight))
        }
      default:
        table.remove(key)
        model.removeAll { $0.key == key }
      }
      #expect(table.count == model.count && table.weight == model.reduce(0) { $0 + $1.weight })
    }
  }
}
