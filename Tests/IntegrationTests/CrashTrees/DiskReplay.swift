// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// Does to a simulated disk what a traced server did to its directory, in the order of the trace, and tells of each
/// moment at which the disk or what clients know has changed.
///
/// Where calls overlap, the trace does not say what came first; this takes the worse for the server. A sync guarantees
/// what had ended before the sync began, and nothing before the sync itself has ended. A change counts from its end,
/// unless another thread saw it before. An answer counts from its beginning. Whatever cannot be told from the trace
/// (shared mappings, io_uring, `syncfs`, files moved in from elsewhere) is refused.
final class DiskReplay {
  enum Moment {
    /// A response of this status begins to leave to the client at this port.
    case answer(port: Int, status: Int)
    /// What was synced, and how.
    case sync(String)
    /// A file or a name changed.
    case change(String)
  }

  /// An open file: descriptors that were duplicated share one.
  private final class Opened {
    let file: any OpenFile
    let path: String
    let isAppending: Bool
    var position = 0

    init(_ file: any OpenFile, _ path: String, isAppending: Bool) {
      (self.file, self.path, self.isAppending) = (file, path, isAppending)
    }
  }

  private struct Pending {
    /// Does what the call did; nil for what is no change of files.
    var change: (() throws -> Void)?
    var sync: (span: SyncSpan, path: String)?
    /// Whether what it did was done early, because another thread had seen it.
    var isDone = false
  }

  let disk = SimulatedDisk(capacity: 1 << 30)
  private let root: String
  private var files: [Int: Opened] = [:]
  private var ports: [Int: Int] = [:]
  private var pending: [Int: Pending] = [:]

  /// A disk with an empty directory at `root`, as the server found it.
  init(root: String) throws {
    self.root = root
    disk.plant([], at: "\(root)/stage")
    _ = try disk.remove("\(root)/stage")
    try disk.syncDirectory(root)
  }

  /// Repeats the trace from its beginning, and calls `observe` at each moment.
  func run(_ trace: SystemTrace, _ observe: (Moment) throws -> Void) throws {
    for event in trace.events {
      switch event {
      case .begin(let index):
        if let answer = try begin(trace.calls[index], index) { try observe(answer) }
      case .end(let index):
        if let moment = try end(trace.calls[index], index) { try observe(moment) }
      }
    }
  }

  // MARK: Beginnings and ends

  private func begin(_ call: SystemCall, _ index: Int) throws -> Moment? {
    switch call.name {
    case "fsync", "fdatasync":
      guard call.result != nil, let opened = files[try call.number(0)] else { return nil }
      pending[index] = Pending(sync: (disk.beginSync(opened.file), opened.path))
    case "close":
      // From its beginning: the kernel may give the number away before the call has ended.
      let descriptor = try call.number(0)
      (files[descriptor], ports[descriptor]) = (nil, nil)
    case "write", "writev", "sendto", "sendmsg":
      let descriptor = try call.number(0)
      if let opened = files[descriptor] {
        pending[index] = Pending(change: try write(call, to: opened, at: nil))
      } else if let port = ports[descriptor], call.isDone {
        return try answer(call, port)
      }
    default:
      guard call.isDone, let change = try change(call) else { return nil }
      pending[index] = Pending(change: change)
    }
    return nil
  }

  private func end(_ call: SystemCall, _ index: Int) throws -> Moment? {
    guard let ended = pending.removeValue(forKey: index) else { return nil }
    if let (span, path) = ended.sync {
      if call.isDone { disk.endSync(span) } else { disk.failSync(span) }
      return .sync("\(call.name) \(path)")
    }
    guard call.isDone, !ended.isDone, let change = ended.change else { return nil }
    do {
      try change()
    } catch {
      // Something that another thread is still about has happened already, or this could not have succeeded.
      for other in pending.keys.sorted() where hasten(other) {}
      do { try change() } catch { throw TraceError("\(call) cannot be repeated: \(error)") }
    }
    return Self.changesFiles(call) ? .change("\(call)") : nil
  }

  private static func changesFiles(_ call: SystemCall) -> Bool {
    switch call.name {
    case "open", "openat": call.arguments.contains { $0.firstRange(of: Array("O_CREAT".utf8)) != nil }
    case "lseek", "accept", "accept4", "getpeername", "dup", "dup2", "dup3", "fcntl": false
    default: true
    }
  }

  private func hasten(_ index: Int) -> Bool {
    guard let other = pending[index], !other.isDone, let change = other.change else { return false }
    // What cannot be done yet is done at its end.
    guard (try? change()) != nil else { return false }
    pending[index]?.isDone = true
    return true
  }

  private func answer(_ call: SystemCall, _ port: Int) throws -> Moment? {
    let head = String(decoding: try call.bytes(1, head: true).prefix(12), as: UTF8.self)
    guard head.hasPrefix("HTTP/1."), let status = Int(head.suffix(3)), status >= 200 else { return nil }
    return .answer(port: port, status: status)
  }

  // MARK: Calls

  /// What a call that succeeded did to files; nil when it is about something else.
  private func change(_ call: SystemCall) throws -> (() throws -> Void)? {
    switch call.name {
    case "open": return try open(call, inside(try call.path(0)), flags: call.flags(1))
    case "creat": return try open(call, inside(try call.path(0)), flags: ["O_WRONLY", "O_CREAT", "O_TRUNC"])
    case "openat": return try open(call, path(call, 0), flags: call.flags(2))
    case "accept", "accept4", "getpeername": return try peer(call)
    case "dup", "dup2", "dup3": return try duplicate(call)
    case "fcntl": return call.word(1).hasPrefix("F_DUPFD") ? try duplicate(call) : nil
    case "lseek":
      guard let opened = files[try call.number(0)], let result = call.result else { return nil }
      return { opened.position = result }
    case "pwrite64", "pwritev":
      guard let opened = files[try call.number(0)] else { return nil }
      return try write(call, to: opened, at: call.number(3))
    case "ftruncate":
      let size = try call.number(1)
      return try files[call.number(0)].map { opened in { try opened.file.truncate(to: UInt64(size)) } }
    case "truncate":
      let size = try call.number(1)
      return inside(try call.path(0)).map { [disk] path in
        { try disk.open(path, .readWrite).truncate(to: UInt64(size)) }
      }
    case "copy_file_range": return try copy(call, from: 0, fromOffset: 1, to: 2, toOffset: 3)
    case "sendfile": return try copy(call, from: 1, fromOffset: 2, to: 0, toOffset: nil)
    case "mmap":
      if call.flags(3).contains("MAP_SHARED"), call.flags(2).contains("PROT_WRITE"), files[try call.number(4)] != nil {
        throw TraceError("a shared mapping can change a file unseen: \(call)")
      }
      return nil
    case "sync", "syncfs", "io_uring_setup": throw TraceError("this tool does not know what it does: \(call)")
    case "fallocate", "sync_file_range", "pwritev2", "splice", "tee":
      let descriptors = ["splice": [0, 2], "tee": [0, 1]][call.name] ?? [0]
      if try descriptors.contains(where: { files[try call.number($0)] != nil }) {
        throw TraceError("this tool does not know what it does: \(call)")
      }
      return nil
    default: return try naming(call)
    }
  }

  private func naming(_ call: SystemCall) throws -> (() throws -> Void)? {
    let disk = disk
    switch call.name {
    case "mkdir", "mkdirat":
      return try path(call, call.name == "mkdir" ? nil : 0).map { path in
        { try require(try disk.makeDirectory(path), "a directory is at \(path)") }
      }
    case "rmdir": return inside(try call.path(0)).map(removeDirectory)
    case "unlink": return inside(try call.path(0)).map(remove)
    case "unlinkat":
      return try path(call, 0).map(call.flags(2).contains("AT_REMOVEDIR") ? removeDirectory : remove)
    case "rename": return try pair(call, try call.path(0), try call.path(1)) { try disk.rename($0, to: $1) }
    case "renameat", "renameat2":
      if call.flags(4).contains("RENAME_EXCHANGE") { throw TraceError("this tool does not know it: \(call)") }
      return try pair(call, absolute(call, 0), absolute(call, 2)) { try disk.rename($0, to: $1) }
    case "link", "linkat":
      let isPlain = call.name == "link"
      return try pair(
        call, isPlain ? try call.path(0) : absolute(call, 0), isPlain ? try call.path(1) : absolute(call, 2)
      ) { try require(try disk.link($0, as: $1), "a file is at \($1)") }
    case "symlink", "symlinkat", "mknod", "mknodat", "openat2":
      let index = ["symlink": 1, "symlinkat": 2, "mknod": 0, "mknodat": 1, "openat2": 1][call.name] ?? 0
      if inside(try call.path(index)) != nil { throw TraceError("this tool does not know what it does: \(call)") }
      return nil
    default: return nil
    }
  }

  private func removeDirectory(_ path: String) -> () throws -> Void {
    { [disk] in try require(try disk.removeDirectory(path), "no empty directory is at \(path)") }
  }

  private func remove(_ path: String) -> () throws -> Void {
    { [disk] in try require(try disk.remove(path), "no file is at \(path)") }
  }

  private func open(_ call: SystemCall, _ path: String?, flags: Set<String>) throws -> (() throws -> Void)? {
    guard let path, let descriptor = call.result else { return nil }
    if !flags.isDisjoint(with: ["O_SYNC", "O_DSYNC", "O_TMPFILE"]) {
      throw TraceError("this tool does not know what it does: \(call)")
    }
    let isRead = flags.isDisjoint(with: ["O_WRONLY", "O_RDWR"])
    let access: FileAccess =
      !flags.contains("O_CREAT")
      ? (isRead ? .read : .readWrite) : flags.contains("O_EXCL") ? .createNew(mode: 0o666) : .create(mode: 0o666)
    return { [self] in
      let opened = Opened(try disk.open(path, access), path, isAppending: flags.contains("O_APPEND"))
      if flags.contains("O_TRUNC"), try opened.file.status().size > 0 { try opened.file.truncate(to: 0) }
      files[descriptor] = opened
    }
  }

  private func write(_ call: SystemCall, to opened: Opened, at offset: Int?) throws -> (() throws -> Void)? {
    guard call.isDone, let count = call.result else { return nil }
    let bytes = Array(try call.bytes(1).prefix(count))
    guard bytes.count == count else { throw TraceError("the bytes are not in the trace: \(call)") }
    return {
      let start = try opened.isAppending ? Int(opened.file.status().size) : offset ?? opened.position
      try opened.file.write(bytes, at: UInt64(start))
      if offset == nil { opened.position = start + count }
    }
  }

  private func copy(
    _ call: SystemCall, from: Int, fromOffset: Int, to: Int, toOffset: Int?
  ) throws -> (() throws -> Void)? {
    guard let target = files[try call.number(to)], let count = call.result else { return nil }
    guard let source = files[try call.number(from)] else { throw TraceError("copied in from elsewhere: \(call)") }
    func offset(_ index: Int) throws -> Int? {
      if call.word(index) == "NULL" { return nil }
      // `[512]`, or `[512 => 1024]`.
      guard let value = Int(call.word(index).dropFirst().prefix { $0.isNumber }) else {
        throw TraceError("no offset: \(call)")
      }
      return value
    }
    let (start, end) = (try offset(fromOffset), try toOffset.flatMap(offset))
    return {
      let bytes = try source.file.read(count, at: UInt64(start ?? source.position))
      try target.file.write(bytes, at: UInt64(end ?? target.position))
      if start == nil { source.position += count }
      if end == nil { target.position += count }
    }
  }

  private func duplicate(_ call: SystemCall) throws -> (() throws -> Void)? {
    let (old, new) = (try call.number(0), call.result ?? -1)
    guard files[old] != nil || files[new] != nil else { return nil }
    let opened = files[old]
    return { [self] in files[new] = opened }
  }

  /// `{sa_family=AF_INET, sin_port=htons(43586), …}`
  private func peer(_ call: SystemCall) throws -> (() throws -> Void)? {
    guard let at = call.word(1).firstRange(of: "htons("), let result = call.result,
      let port = Int(call.word(1)[at.upperBound...].prefix { $0.isNumber })
    else { return nil }
    let descriptor = call.name == "getpeername" ? try call.number(0) : result
    return { [self] in ports[descriptor] = port }
  }

  // MARK: Paths

  /// The path if it is the server's directory or below it.
  private func inside(_ path: String) -> String? { path == root || path.hasPrefix("\(root)/") ? path : nil }

  /// The path of a call: that of its first argument, or one that follows a descriptor of a directory.
  private func path(_ call: SystemCall, _ directory: Int?) throws -> String? {
    inside(try directory.map { try absolute(call, $0) } ?? call.path(0))
  }

  private func absolute(_ call: SystemCall, _ directory: Int) throws -> String {
    let path = try call.path(directory + 1)
    guard !path.hasPrefix("/"), let descriptor = Int(call.word(directory)), let base = files[descriptor] else {
      return path
    }
    return "\(base.path)/\(path)"
  }

  private func pair(
    _ call: SystemCall, _ source: String, _ target: String, _ body: @escaping (String, String) throws -> Void
  ) throws -> (() throws -> Void)? {
    switch (inside(source), inside(target)) {
    case (let source?, let target?): return { try body(source, target) }
    case (nil, nil): return nil
    default: throw TraceError("in from elsewhere, or out: \(call)")
    }
  }
}

private func require(_ isTrue: Bool, _ otherwise: String) throws {
  if !isTrue { throw TraceError(otherwise) }
}
