// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryLimiting
import GantryPasswordHash
import GantryTestKit
import GantryWorld
import Synchronization

/// Access control in a simulated world, with files that tests write.
final class Setting: Sendable {
  static let usersPath = "/users"
  static let groupsPath = "/groups"

  let simulation = SimulatedWorld(seed: 7, loops: 2)
  let control: AccessControl
  private let notices: NoticeBox

  init(
    rules: AccessRules? = nil, groups: Bool = false, method: AuthenticationMethod? = nil, brake: LoginBrake? = nil
  ) {
    let box = NoticeBox()
    notices = box
    control = AccessControl(
      world: simulation.world, method: method ?? .htpasswd(realm: "r", path: Self.usersPath), rules: rules,
      groupFile: groups ? Self.groupsPath : nil, secret: [1, 2, 3], brake: brake
    ) { notice in box.notices.withLock { $0.append(notice) } }
  }

  final class NoticeBox: Sendable {
    let notices = Mutex<[AccessNotice]>([])
  }

  var reported: [AccessNotice] { notices.notices.withLock { $0 } }

  /// A line of a file of users, of little work.
  static func line(_ name: String, _ password: String) -> String {
    guard let hash = BcryptHash(hashing: Array(password.utf8), salt: Array(repeating: 9, count: 16), cost: 4) else {
      preconditionFailure("a test's password holds no NUL")
    }
    return "\(name):\(hash.text)\n"
  }

  func write(_ text: String, to path: String = Setting.usersPath) { write(Array(text.utf8), to: path) }

  func write(_ bytes: [UInt8], to path: String = Setting.usersPath) {
    let world = simulation.world
    simulation.run {
      await world.workers.run {
        do {
          _ = try world.files.remove(path)
          try world.files.open(path, .create(mode: 0o600)).write(bytes, at: 0)
        } catch {
          preconditionFailure("a test's file is written: \(error)")
        }
      }
    }
  }

  func remove(_ path: String) {
    let world = simulation.world
    simulation.run {
      await world.workers.run {
        do { _ = try world.files.remove(path) } catch { preconditionFailure("a test's file is removed: \(error)") }
      }
    }
  }

  func start() throws(AccessError) {
    let control = control
    try simulation.run { () throws(AccessError) in try await control.start() }
  }

  func reload() throws(AccessError) {
    let control = control
    try simulation.run { () throws(AccessError) in try await control.reload() }
  }

  /// Who that is. Whom somebody claimed to be, with a wrong password, is left out of the error: see `claims` for it.
  func caller(_ fields: String...) throws(AccessError) -> Caller {
    let control = control
    do {
      return try simulation.run { () throws(AccessError) in try await control.caller(authorization: fields) }
    } catch .passwordRefused {
      throw .credentialsRefused
    } catch {
      throw error
    }
  }

  func remembered(_ fields: String...) -> Caller? {
    let control = control
    return simulation.run { control.rememberedCaller(authorization: fields) }
  }

  func token(for caller: Caller) throws(AccessError) -> String? {
    let control = control
    return try simulation.run { () throws(AccessError) in try await control.token(for: caller)?.text }
  }

  static func basic(_ name: String, _ password: String) -> String {
    "Basic " + base64(Array("\(name):\(password)".utf8))
  }

  /// Base 64, written out once more so that no error of the reader can hide behind the same one of the writer.
  static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = Array(bytes[start..<min(start + 3, bytes.count)])
      let padded = group + Array(repeating: 0, count: 3 - group.count)
      let number = Int(padded[0]) << 16 | Int(padded[1]) << 8 | Int(padded[2])
      for place in 0..<4 { text.append(place <= group.count ? digits[number >> (18 - 6 * place) & 63] : "=") }
    }
    return text
  }
}
