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

  /// Its name; its number where it has none.
  public let name: String
  private let user: uid_t
  private let group: gid_t

  /// Looks a user and its group up; without `group` its own. Both are names, or numbers that need no entry anywhere.
  /// Blocks.
  public init(user name: String, group groupName: String?) throws(Failure) {
    let entry = Self.user(name)
    self.name = entry?.name ?? name
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

  /// Gives it the name of a socket that the process has bound, so that it may remove the name later. Before
  /// ``become()``, by the superuser.
  public func own(_ socket: BoundSocket) throws(Failure) {
    guard let path = socket.ownPath, geteuid() == 0 else { return }
    try check("chown \(path)", unsafe chown(path, user, group))
  }

  /// Makes all threads of the process go on as this user, for good, or throws; a process that is nothing but this user
  /// and its groups already stays as it is. At return there is no way back to the superuser.
  public func become() throws(Failure) {
    if isAlone, hasOwnGroupsOnly { return }
    guard geteuid() == 0 else {
      if isAlone {
        throw Failure(
          description: "this process is \(name) and has more groups than that user; only the superuser can drop them")
      }
      throw Failure(
        description: "only the superuser can become \(name), and this process is user \(geteuid()); start it as root, "
          + "or as \(name)")
    }
    try check("initgroups", unsafe initgroups(name, group))
    try check("setgid", setgid(group))
    try check("setuid", setuid(user))
    // Looked at again: going on with more than was asked for is what must not happen.
    guard isAlone, hasOwnGroupsOnly, setuid(0) != 0 else {
      throw Failure(description: "the process could become the superuser again, or has groups of others")
    }
  }

  /// Whether the process has this user and group in every place: the real, the effective and the saved.
  private var isAlone: Bool {
    var (users, groups) = ((uid_t(0), uid_t(0), uid_t(0)), (gid_t(0), gid_t(0), gid_t(0)))
    guard unsafe gantry_user_ids(&users.0, &users.1, &users.2) == 0,
      unsafe gantry_group_ids(&groups.0, &groups.1, &groups.2) == 0
    else { return false }
    return users == (user, user, user) && groups == (group, group, group)
  }

  /// Whether the process is in no group that this user is not in.
  private var hasOwnGroupsOnly: Bool {
    let held = unsafe Self.list { room, groups in unsafe getgroups(room, groups) }
    let own = unsafe Self.list { room, groups in
      // Asked without room it tells how much it needs by failing.
      var count = room
      let result = unsafe getgrouplist(name, group, groups, &count)
      return room == 0 ? count : result
    }
    return Set(held).isSubset(of: Set(own).union([group]))
  }

  /// What a call lists that tells how much room it needs when it is given none.
  private static func list(_ call: (Int32, UnsafeMutablePointer<gid_t>?) -> Int32) -> [gid_t] {
    let count = call(0, nil)
    guard count > 0 else { return [] }
    var groups = [gid_t](repeating: 0, count: Int(count))
    let found = unsafe groups.withUnsafeMutableBufferPointer { unsafe call(count, $0.baseAddress) }
    return Array(groups.prefix(Int(max(0, found))))
  }

  private func check(_ call: String, _ result: Int32) throws(Failure) {
    if result != 0 { throw Failure(description: "\(call): \(LoopError.text(errno))") }
  }

  private static let entryBytesMax = 1 << 16

  /// The entry of a name, or else of a number.
  private static func user(_ name: String) -> (name: String, user: uid_t, group: gid_t)? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var bytes = [CChar](repeating: 0, count: entryBytesMax)
    if unsafe getpwnam_r(name, &entry, &bytes, entryBytesMax, &found) != 0 || found == nil, let number = uid_t(name) {
      _ = unsafe getpwuid_r(number, &entry, &bytes, entryBytesMax, &found)
    }
    guard unsafe found != nil, let known = unsafe entry.pw_name else { return nil }
    return unsafe (String(cString: known), entry.pw_uid, entry.pw_gid)
  }

  private static func group(_ name: String) -> gid_t? {
    var entry = unsafe Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var bytes = [CChar](repeating: 0, count: entryBytesMax)
    guard unsafe getgrnam_r(name, &entry, &bytes, entryBytesMax, &found) == 0, unsafe found != nil else { return nil }
    return unsafe entry.gr_gid
  }
}
