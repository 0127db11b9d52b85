// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// strace around a server from its first instruction on: every call that has to do with what is durable, and what it
/// answered to clients.
enum Strace {
  /// Calls that make, name, change or sync files, those that carry answers, and those that only tell which descriptor
  /// is what. A call that could change files past these (`io_uring`, shared mappings) is traced to be refused.
  static let calls =
    "open openat openat2 creat close dup dup2 dup3 fcntl lseek mkdir mkdirat mknod mknodat rename renameat renameat2 "
    + "link linkat symlink symlinkat unlink unlinkat rmdir write pwrite64 writev pwritev pwritev2 truncate ftruncate "
    + "fallocate copy_file_range sendfile splice tee fsync fdatasync sync_file_range sync syncfs msync sendto sendmsg "
    + "sendmmsg accept accept4 getpeername mmap io_uring_setup chdir fchdir"

  /// Whether strace is here, and may trace.
  static let isPermitted: Bool = {
    guard Command.find("strace") != nil, let scratch = try? Scratch() else { return false }
    let program = command(to: "\(scratch.path)/trace") + ["mkdir", "\(scratch.path)/made"]
    guard let outcome = try? Command.run(program, in: scratch) else { return false }
    return outcome.code == 0 && Files.text("\(scratch.path)/trace").contains("mkdir")
  }()

  /// What to put before a program's own arguments. The program stays the child of whoever starts it. Strings longer
  /// than `stringsMax` are cut.
  static func command(to output: String, stringsMax: Int = 16 << 20) -> [String] {
    [
      "strace", "-D", "-f", "--seccomp-bpf", "-q", "-xx", "-s", "\(stringsMax)", "-o", output, "-e",
      "trace=" + calls.split(separator: " ").joined(separator: ","),
    ]
  }
}
