// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Testing

/// Lines of a trace, and what they leave on the disk.
struct TraceRule: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var keeping: CrashKeeping
  /// Contents of the files below `/r`.
  var left: [String: String]
  var lines: [String]

  init(_ name: String, _ keeping: CrashKeeping = .synced, left: [String: String], _ lines: String...) {
    (testDescription, self.keeping, self.left, self.lines) = (name, keeping, left, lines)
  }

  /// `/r/a` is open as 3, and its name is durable.
  private static let opened = [
    #"10 openat(AT_FDCWD, "/r/a", O_RDWR|O_CREAT|O_CLOEXEC, 0666) = 3"#,
    #"10 openat(AT_FDCWD, "/r", O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 4"#,
    #"10 fsync(4)                          = 0"#,
  ]

  /// Strings are written in hexadecimal, as strace is told to.
  static func trace(_ lines: [String]) throws -> SystemTrace {
    let text = (opened + lines).map { line in
      line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().map { index, part in
        index % 2 == 0 ? String(part) : "\"" + part.utf8.map { "\\x" + hex([$0]) }.joined() + "\""
      }.joined()
    }
    return try SystemTrace(Array((text.joined(separator: "\n") + "\n").utf8))
  }

  static let all: [TraceRule] = [
    TraceRule(
      "what is written and synced stays", left: ["a": "one"],
      #"10 pwrite64(3, "one", 3, 0) = 3"#, "10 fdatasync(3) = 0"),
    TraceRule("what is not synced does not", left: ["a": ""], #"10 pwrite64(3, "one", 3, 0) = 3"#),
    TraceRule(
      "a write that ends after the sync has begun is not guaranteed", left: ["a": "1"],
      #"10 pwrite64(3, "1", 1, 0) = 1"#, "10 fdatasync(3 <unfinished ...>", #"11 pwrite64(3, "22", 2, 0) = 2"#,
      "10 <... fdatasync resumed>) = 0"),
    TraceRule(
      "nor one that was begun before it", left: ["a": ""],
      #"11 pwrite64(3, "22", 2, 0 <unfinished ...>"#, "10 fdatasync(3) = 0", "11 <... pwrite64 resumed>) = 2"),
    TraceRule(
      "a sync that never ends guarantees nothing", left: ["a": ""],
      #"10 pwrite64(3, "1", 1, 0) = 1"#, "10 fdatasync(3 <unfinished ...>", "11 +++ exited with 0 +++"),
    TraceRule(
      "a sync that failed has lost what it was for", left: ["a": ""],
      #"10 pwrite64(3, "1", 1, 0) = 1"#, "10 fdatasync(3) = -1 EIO (Input/output error)", "10 fdatasync(3) = 0"),
    TraceRule(
      "a descriptor that is closed and given anew is the new file", .everything, left: ["a": "", "b": "x"],
      #"10 close(3 <unfinished ...>"#, #"11 openat(AT_FDCWD, "/r/b", O_WRONLY|O_CREAT, 0666) = 3"#,
      "10 <... close resumed>) = 0", #"11 write(3, "x", 1) = 1"#),
    TraceRule(
      "what another thread has seen has happened, though its call ends later", .everything, left: ["b": "x"],
      #"10 rename("/r/a", "/r/b" <unfinished ...>"#, #"11 openat(AT_FDCWD, "/r/b", O_RDWR) = 5"#,
      #"11 write(5, "x", 1) = 1"#, "10 <... rename resumed>) = 0"),
    TraceRule(
      "calls that failed change nothing", .everything, left: ["a": ""],
      #"10 unlink("/r/b") = -1 ENOENT (No such file or directory)"#,
      #"10 rename("/r/b", "/r/a") = -1 ENOENT (No such file or directory)"#,
      #"10 write(3, "1", 1) = -1 ENOSPC (No space left on device)"#),
    TraceRule(
      "a short write wrote what it says", .everything, left: ["a": "on"], #"10 pwrite64(3, "one", 3, 0) = 2"#),
    TraceRule(
      "positions are kept, and shared by duplicates", .everything, left: ["a": "abcXY"],
      #"10 write(3, "abcdef", 6) = 6"#, "10 lseek(3, 3, SEEK_SET) = 3", "10 dup(3) = 7", #"10 write(7, "X", 1) = 1"#,
      #"10 write(3, "Y", 1) = 1"#, "10 ftruncate(3, 5) = 0"),
    TraceRule(
      "what is appended goes to the end", .everything, left: ["a": "abcd"],
      #"10 openat(AT_FDCWD, "/r/a", O_WRONLY|O_APPEND) = 5"#, #"10 write(3, "abc", 3) = 3"#, #"10 write(5, "d", 1) = 1"#
    ),
    TraceRule(
      "a list of buffers is one write", .everything, left: ["a": "abcd"],
      #"10 writev(3, [{iov_base="abc", iov_len=3}, {iov_base="d", iov_len=1}], 2) = 4"#),
    TraceRule(
      "a file that is cut when it is opened is cut", .everything, left: ["a": ""],
      #"10 write(3, "abc", 3) = 3"#, #"10 openat(AT_FDCWD, "/r/a", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5"#),
    TraceRule(
      "paths follow directories", .everything, left: ["d/b": ""],
      #"10 mkdirat(4, "d", 0777) = 0"#, #"10 openat(AT_FDCWD, "/r/d", O_RDONLY) = 5"#,
      #"10 renameat(4, "a", 5, "b") = 0"#),
    TraceRule(
      "bytes are copied from file to file", .everything, left: ["a": "abc", "b": "bc"],
      #"10 write(3, "abc", 3) = 3"#, #"10 openat(AT_FDCWD, "/r/b", O_WRONLY|O_CREAT, 0666) = 5"#,
      "10 copy_file_range(3, [1], 5, NULL, 100, 0) = 2"),
    TraceRule(
      "what is elsewhere does not count", .everything, left: ["a": ""],
      #"10 openat(AT_FDCWD, "/elsewhere", O_WRONLY|O_CREAT, 0666) = 5"#, #"10 write(5, "x", 1) = 1"#,
      "10 fsync(5) = 0", "10 syncfs(5) = -1 EBADF (Bad file descriptor)", "10 --- SIGURG {si_signo=SIGURG} ---"),
  ]

  /// What a trace must not contain.
  static let refused = [
    "10 io_uring_setup(64, 0x7ffd) = 5", "10 syncfs(3) = 0", "10 sync() = 0",
    "10 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f0000000000",
    #"10 pwrite64(3, "one"..., 5000, 0) = 5000"#, #"10 rename("/elsewhere", "/r/b") = 0"#,
    #"10 openat(AT_FDCWD, "/r/b", O_WRONLY|O_CREAT|O_DSYNC, 0666) = 5"#, #"10 unlink("/r/b") = 0"#,
    "10 fallocate(3, FALLOC_FL_PUNCH_HOLE, 0, 10) = 0", "10 <... fsync resumed>) = 0", "strace: something",
    "10 fsync(3",
  ]
}

@Suite("A trace repeated on a disk")
struct TraceTests {
  @Test(arguments: TraceRule.all)
  func leaves(_ rule: TraceRule) throws {
    let replay = try DiskReplay(root: "/r")
    try replay.run(TraceRule.trace(rule.lines)) { _ in }
    let files = replay.disk.afterPowerCut(keeping: rule.keeping).tree.compactMap { path, bytes in
      bytes.map { (String(path.dropFirst(3)), String(decoding: $0, as: UTF8.self)) }
    }
    #expect(Dictionary(uniqueKeysWithValues: files) == rule.left)
  }

  @Test("What a trace does not show is refused, not guessed", arguments: TraceRule.refused)
  func refuses(_ line: String) throws {
    #expect(throws: TraceError.self) {
      try DiskReplay(root: "/r").run(TraceRule.trace([line])) { _ in }
    }
  }

  @Test("An answer counts from where it begins to leave, to whom it leaves")
  func answers() throws {
    let trace = try TraceRule.trace([
      "12 accept4(9, {sa_family=AF_INET, sin_port=htons(4001)}, [112 => 16], SOCK_CLOEXEC) = 5",
      "12 accept4(9, NULL, NULL, SOCK_CLOEXEC) = 6",
      #"12 getpeername(6, {sa_family=AF_INET, sin_port=htons(4002), sin_addr=inet_addr("::1")}, [128 => 16]) = 0"#,
      #"10 fdatasync(3 <unfinished ...>"#, #"12 sendto(6, "HTTP/1.1 201 Created", 20, MSG_NOSIGNAL <unfinished ...>"#,
      "10 <... fdatasync resumed>) = 0", "12 <... sendto resumed>, NULL, 0) = 20",
      #"12 write(5, "HTTP/1.1 100 Continue", 21) = 21"#, #"12 write(5, "HTTP/1.1 202 Accepted", 21) = 21"#,
      #"12 write(5, "HTTP/1.1 404 Not Found", 22) = -1 EPIPE (Broken pipe)"#,
      #"12 write(2, "HTTP/1.1 200 OK", 15) = 15"#,
    ])
    var seen: [String] = []
    try DiskReplay(root: "/r").run(trace) { moment in
      switch moment {
      case .answer(let port, let status): seen.append("\(status) to \(port)")
      case .sync(let text): seen.append(text)
      case .change: break
      }
    }
    #expect(seen == ["fsync /r", "201 to 4002", "fdatasync /r/a", "202 to 4001"])
    let count = try SyncCount(trace, after: 0, answers: 2)
    #expect(count.before == 2 && count.behind == 0)
  }
}
