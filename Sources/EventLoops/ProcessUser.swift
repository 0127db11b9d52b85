// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import Glibc

/// A user that the process can go on as, with less than it was started with.
public struct ProcessUser: Sendable, Hashable {
  /// Why the process cannot become a user.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, for a person.
    public var description: String
  }

  /// As it was asked for: a name or a number.
  public let name: String
  private let user: uid_t
  private let group: gid_t

  /// Looks a user and its group up; without `group` its own. Both are names, or numbers that need no entry anywhere.
  /// Blocks.
  public init(user name: String, group groupName: String?) throws(Failure) {
    self.name = name
    let entry = Self.user(name)
    guard let user = entry?.user ?? uid_t(name) else {
      throw Failure(description: "there is no user \"\(name)\"")
    }
    guard user != 0 else { throw Failure(description: "\"\(name)\" is the superuser; there is nothing to drop") }
    self.user = user
    if let groupName {
      guard let group = Self.group(groupName) ?? gid_t(groupName) else {
        throw Failure(description: "there is no group \"\(groupName)\"")
      }
      self.group = group
    } else if let entry {
      group = entry.group
    } else {
      throw Failure(description: "the user \(name) has no entry, so its group must be given")
    }
    guard group != 0 else { throw Failure(description: "its group is the superuser's") }
  }

  /// Makes all threads of the process go on as this user, for good, or throws; a process that is this user already
  /// stays as it is. At return there is no way back to the superuser.
  public func become() throws(Failure) {
    if getuid() == user, geteuid() == user, getgid() == group, getegid() == group { return }
    guard geteuid() == 0 else {
      throw Failure(
        description: "only the superuser can become \(name), and this process is user \(geteuid()); start it as root, "
          + "or as \(name)")
    }
    try check("initgroups", unsafe initgroups(name, group))
    try check("setgid", setgid(group))
    try check("setuid", setuid(user))
    // Looked at again: going on with more than was asked for is what must not happen.
    guard getuid() == user, geteuid() == user, getgid() == group, getegid() == group, setuid(0) != 0 else {
      throw Failure(description: "the process could become the superuser again")
    }
  }

  private func check(_ call: String, _ result: Int32) throws(Failure) {
    if result != 0 { throw Failure(description: "\(call): \(LoopError.text(errno))") }
  }

  private static let entryBytesMax = 1 << 16

  private static func user(_ name: String) -> (user: uid_t, group: gid_t)? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var bytes = [CChar](repeating: 0, count: entryBytesMax)
    guard unsafe getpwnam_r(name, &entry, &bytes, entryBytesMax, &found) == 0, unsafe found != nil else { return nil }
    return unsafe (entry.pw_uid, entry.pw_gid)
  }

  private static func group(_ name: String) -> gid_t? {
    var entry = unsafe Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var bytes = [CChar](repeating: 0, count: entryBytesMax)
    guard unsafe getgrnam_r(name, &entry, &bytes, entryBytesMax, &found) == 0, unsafe found != nil else { return nil }
    return unsafe entry.gr_gid
  }
}
