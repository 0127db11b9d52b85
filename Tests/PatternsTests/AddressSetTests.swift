// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPatterns
import Testing

struct AddressSetTests {
  @Test(
    "An address has many forms",
    arguments: [
      ("192.0.2.7", "::ffff:192.0.2.7"), ("192.0.2.7", "::ffff:c000:207"), ("::1", "0:0:0:0:0:0:0:1"),
      ("fe80::1", "fe80::1%eth0"), ("2001:DB8::", "2001:db8:0:0:0:0:0:0"), ("::", "0::0"),
    ])
  func forms(_ one: String, _ other: String) {
    #expect(NetworkAddress(one) != nil)
    #expect(NetworkAddress(one) == NetworkAddress(other))
  }

  @Test(
    "An address is written in one way",
    arguments: [
      ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:DB8:0:0:0:0:0:7", "2001:db8::7"), ("::", "::"), ("::1", "::1"),
      ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
      ("fe80::", "fe80::"),
    ])
  func written(_ text: String, _ expected: String) throws {
    let address = try #require(NetworkAddress(text))
    #expect(address.description == expected)
    #expect(NetworkAddress(address.description) == address)
  }

  @Test("Nets of IPv6 belong to a site, an address of IPv4 to itself") func sites() throws {
    let (one, other) = (
      try #require(NetworkAddress("2001:db8:1:2::3")), try #require(NetworkAddress("2001:db8:1:ff::"))
    )
    #expect(one.site == other.site && one.client != other.client && one.site.description == "2001:db8:1::")
    let old = try #require(NetworkAddress("192.0.2.7"))
    #expect(old.site == old)
  }

  @Test(
    "What is no address is none",
    arguments: [
      "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", " 1.2.3.4", "1.2.3.4 ", "1..3.4", ":", ":::",
      "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "+1::", "::1.2.3",
      "::1.2.3.4:5", "localhost", "unknown", "1.2.3.4/8", String(repeating: "1", count: 100),
    ])
  func noAddress(_ text: String) { #expect(NetworkAddress(text) == nil) }

  @Test(
    "Ranges hold what they say",
    arguments: [
      ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
      ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false), ("0.0.0.0/0", "203.0.113.9", true),
      ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
      ("2001:db8::/32", "2001:db9::", false), ("::/0", "192.0.2.7", true), ("::1/128", "::1", true),
      ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true), ("2001:db8::8000:0:0:0/65", "2001:db8::1", false),
    ])
  func ranges(_ range: String, _ address: String, _ isIn: Bool) throws {
    let parsed = try #require(NetworkAddress(address))
    #expect(try AddressSet([range]).contains(parsed) == isIn)
    let another = try #require(NetworkAddress("192.0.2.1"))
    #expect(try AddressSet(["192.0.2.0/31", range]).contains(another))
  }

  @Test("unix stands for whoever has no address") func unix() throws {
    let (unix, all) = (try AddressSet(["unix"]), try AddressSet(["::/0"]))
    #expect(unix.contains(nil) && !unix.isEmpty && !all.contains(nil))
    #expect(AddressSet().isEmpty && !AddressSet().contains(nil))
  }

  @Test(
    "What is no range is refused",
    arguments: [
      ("10.0.0.1/8", "bits beyond"), ("10.0.0.0/33", "0 to 32"), ("::/129", "0 to 128"), ("10.0.0.0/", "0 to 32"),
      ("10.0.0.0/-1", "0 to 32"), ("10.0.0.0/08x", "0 to 32"), ("10/8", "expected an address"),
      ("fe80::1%eth0", "expected an address"), ("", "expected an address"), ("localhost", "expected an address"),
    ])
  func refused(_ text: String, _ part: String) {
    do {
      _ = try AddressSet([text])
      Issue.record("\(text) was taken")
    } catch {
      #expect(error.description.contains(part))
    }
  }
}
