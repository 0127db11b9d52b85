// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Synchronization

/// A program that the test started. Its end shows as the end of a pipe that only it holds open, so waiting for it is
/// one poll(2) with a deadline as a rule. What is still running when the test process exits is killed.
final class ChildProcess: Sendable {
  let pid: pid_t
  let name: String
  private let lifeline: Int32
  private let status = Mutex<Int32?>(nil)

  private static let running = Mutex<Set<pid_t>>([])
  private static let killsAtExit: Void = {
    atexit { ChildProcess.running.withLock { for pid in $0 { kill(pid, SIGKILL) } } }
  }()

  /// Starts `arguments[0]`, found on the PATH, with exactly this environment; output goes to the two files.
  init(
    _ arguments: [String], environment: [String: String], output: String, errors: String? = nil,
    directory: String? = nil
  )
    throws
  {
    _ = ChildProcess.killsAtExit
    _ = FileLimit.raised
    name = arguments[0]
    let arguments = directory.map { ["env", "-C", $0] + arguments } ?? arguments
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors ?? output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The test runner blocks and ignores signals of its own; the child begins as from a shell.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    // A child started at the same time by another test must not inherit our pipe, so they start one by one.
    (pid, lifeline) = try ChildProcess.running.withLock { running in
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { throw HarnessError("pipe: \(String(cString: strerror(errno)))") }
      _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
      _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
      posix_spawn_file_actions_adddup2(&actions, ends[1], 99)
      var spawned: pid_t = 0
      let failure = posix_spawnp(&spawned, arguments[0], &actions, &attributes, argv, envp)
      close(ends[1])
      guard failure == 0 else {
        close(ends[0])
        throw HarnessError("\(arguments[0]) could not be started: \(String(cString: strerror(failure)))")
      }
      running.insert(spawned)
      return (spawned, ends[0])
    }
  }

  deinit {
    if !hasEnded(within: 0) {
      kill(pid, SIGKILL)
      _ = hasEnded(within: 5000)
    }
    close(lifeline)
  }

  func signal(_ number: Int32) { kill(pid, number) }

  /// Whether the program has ended, waiting so long for it.
  func hasEnded(within milliseconds: Int32) -> Bool {
    status.withLock { status in
      if status != nil { return true }
      let deadline = ContinuousClock.now + .milliseconds(Int(milliseconds))
      var waiting = pollfd(fd: lifeline, events: Int16(POLLIN), revents: 0)
      if poll(&waiting, 1, milliseconds) <= 0 { return false }
      // A hint only: a program may close descriptors that it does not know, as systemd-socket-activate does, and live.
      var code: Int32 = 0
      while waitpid(pid, &code, WNOHANG) != pid {
        guard ContinuousClock.now < deadline else { return false }
        _ = poll(nil, 0, 1)
      }
      ChildProcess.running.withLock { _ = $0.remove(pid) }
      status = code
      return true
    }
  }

  /// The exit code; 128 + n for a program ended by signal n; nil while it runs.
  var exitCode: Int32? {
    status.withLock { $0 }.map { $0 & 0x7F == 0 ? ($0 >> 8) & 0xFF : 128 + ($0 & 0x7F) }
  }
}

/// The limit of open files, raised as far as the system lets us: some tests hold thousands of connections, and the
/// registry that they start inherits it.
enum FileLimit {
  static let raised: UInt64 = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(7), &limit)
    return UInt64(limit.rlim_cur)
  }()
}

/// Programs that tests run to their end.
enum Command {
  struct Outcome: CustomStringConvertible {
    let code: Int32
    let output: String
    var description: String { "exit \(code): \(output.suffix(2000))" }
  }

  /// Runs a program to its end; standard output and errors come back as one text.
  static func run(
    _ arguments: [String], environment: [String: String] = basicEnvironment, in scratch: Scratch, seconds: Int32 = 120,
    directory: String? = nil
  ) throws -> Outcome {
    let output = "\(scratch.path)/output-\(counter.add(1, ordering: .relaxed).newValue)"
    let child = try ChildProcess(arguments, environment: environment, output: output, directory: directory)
    guard child.hasEnded(within: seconds * 1000) else {
      child.signal(SIGKILL)
      throw HarnessError("\(arguments.joined(separator: " ")) ran for more than \(seconds) s: \(Files.text(output))")
    }
    return Outcome(code: child.exitCode ?? -1, output: Files.text(output))
  }

  /// What a program needs and nothing that could lead it elsewhere (no proxies, no home).
  static let basicEnvironment = [
    "PATH": getenv("PATH").map { String(cString: $0) + ":/usr/sbin:/sbin" } ?? "/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL": "C.UTF-8",
  ]

  /// Where a program is on the PATH, nil when it is not there.
  static func find(_ program: String) -> String? {
    (basicEnvironment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
      .first { access($0, X_OK) == 0 }
  }

  private static let counter = Atomic<Int>(0)
}
