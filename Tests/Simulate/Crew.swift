// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Copies of this program that work side by side, each with arguments of its own, and end.
///
/// Processes and not threads: a killed server's tasks are never freed, and each process gives its memory back.
struct Crew {
  /// What one copy was told to do and what it said.
  struct Finished {
    var arguments: [String]
    var status: Int32
    var output: String
  }

  private struct Member {
    var place: Int
    var process: pid_t
    var pipe: Int32
    var arguments: [String]
    var output: [UInt8] = []
  }

  private let size: Int
  private let cores = Cores()
  private var members: [Member] = []

  init(size: Int) {
    self.size = max(1, size)
  }

  /// Runs copies with the arguments that `next` gives until it gives none, at most `size` at a time; `done` is told of
  /// each that ends, and says whether to go on.
  mutating func work(next: () -> [String]?, done: (Finished) -> Bool) {
    var goesOn = true
    while true {
      while goesOn, members.count < size, let arguments = next() { start(arguments) }
      if members.isEmpty { return }
      for finished in gather() where !done(finished) { goesOn = false }
    }
  }

  private mutating func start(_ arguments: [String]) {
    let place = (0..<size).first { place in !members.contains { $0.place == place } } ?? 0
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "a pipe cannot be made")
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var words: [UnsafeMutablePointer<CChar>?] = (["simulate"] + arguments).map { strdup($0) }
    words.append(nil)
    var process: pid_t = 0
    var failure: Int32 = 0
    cores.onOne(place) { failure = posix_spawn(&process, "/proc/self/exe", &actions, nil, words, environ) }
    precondition(failure == 0, "a copy of this program cannot be started: error \(failure)")
    for word in words { free(word) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    members.append(Member(place: place, process: process, pipe: ends[0], arguments: arguments))
  }

  /// Waits for output, and returns those that have ended.
  private mutating func gather() -> [Finished] {
    var polled = members.map { pollfd(fd: $0.pipe, events: Int16(POLLIN), revents: 0) }
    guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return [] }
    var finished: [Finished] = []
    for index in polled.indices.reversed() where polled[index].revents != 0 {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = read(members[index].pipe, &buffer, buffer.count)
      if count > 0 {
        members[index].output += buffer[..<count]
        continue
      }
      let member = members.remove(at: index)
      close(member.pipe)
      var status: Int32 = 0
      while waitpid(member.process, &status, 0) < 0, errno == EINTR {}
      finished.append(
        Finished(
          arguments: member.arguments, status: status, output: String(decoding: member.output, as: UTF8.self)))
    }
    return finished
  }
}
