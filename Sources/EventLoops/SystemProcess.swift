// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// What concerns the process as a whole.
public enum SystemProcess {
  /// Makes the process ready to serve: writing to a closed connection is an error and not a signal, as many
  /// descriptors may be open as the system allows this process, and the standard streams are open. Called once, before
  /// anything else opens a descriptor.
  public static func prepareToServe() {
    _ = signal(SIGPIPE, SIG_IGN)
    openStandardStreams()
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Without the raise fewer connections fit, and accepting says so.
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Puts the null device where the process was started without a standard stream: the next descriptors, of a file that
  /// is uploaded say, would otherwise take its number and what is logged.
  private static func openStandardStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      // It gets the lowest number that is free, which is this one. Without a null device nothing better can be done.
      _ = unsafe gantry_open("/dev/null", O_RDWR, 0)
    }
  }

  /// How many descriptors the process may have open at once.
  public static var descriptorsMax: Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }

  /// Holds SIGTERM, SIGINT and SIGHUP back in the calling thread and in every thread that it starts from now on, until
  /// ``deliverStopSignals()``: one that comes before its watcher is there must not end the process half started.
  public static func holdStopSignals() { changeStopSignals(SIG_BLOCK) }

  /// Lets the calling thread take these signals again, those that were held back at once.
  public static func deliverStopSignals() { changeStopSignals(SIG_UNBLOCK) }

  private static func changeStopSignals(_ how: Int32) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGHUP)
    _ = unsafe pthread_sigmask(how, &signals, nil)
  }

  /// The environment's variables, in its order.
  public static var environment: [(name: String, value: String)] {
    var variables: [(name: String, value: String)] = []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      let text = unsafe String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
      }
      unsafe next += 1
    }
    return variables
  }

  /// A stream that the process was started with.
  public enum StandardStream: Sendable {
    /// Standard output.
    case output
    /// Standard error.
    case errors

    fileprivate var descriptor: Int32 {
      switch self {
      case .output: STDOUT_FILENO
      case .errors: STDERR_FILENO
      }
    }
  }

  /// Writes all bytes. Blocks for as long as the reader does; a closed stream loses them, as there is nobody to tell.
  public static func write(_ bytes: [UInt8], to stream: StandardStream) {
    var rest = bytes[...]
    while !rest.isEmpty {
      rest = rest.dropFirst(offer(Array(rest), to: stream))
      if !rest.isEmpty { _ = isWritable(stream, within: .seconds(60)) }
    }
  }

  /// Writes what the stream takes without waiting for its reader, and tells how many bytes that was: all of them when
  /// the stream is closed or broken, as there is nobody to tell.
  public static func offer(_ bytes: [UInt8], to stream: StandardStream) -> Int {
    unsafe bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        guard isWritable(stream, within: .zero) else { return written }
        // The descriptor is shared with whoever started us, so it is not made non-blocking.
        let piece = min(buffer.count - written, bytesTakenAtOnce)
        let put = unsafe Glibc.write(stream.descriptor, buffer.baseAddress?.advanced(by: written), piece)
        if put > 0 {
          written += put
        } else if put == 0 || (errno != EINTR && errno != EAGAIN) {
          return buffer.count
        }
      }
      return written
    }
  }

  /// What a pipe that is writable takes without blocking (PIPE_BUF).
  private static let bytesTakenAtOnce = 4096

  /// Waits until the stream takes bytes, or is closed; false when it does not for that long. Blocks.
  public static func isWritable(_ stream: StandardStream, within limit: Duration) -> Bool {
    var state = pollfd(fd: stream.descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&state, 1, Int32(clamping: limit.wholeNanoseconds / 1_000_000)) != 0
  }

  /// Ends the process at once with this status.
  public static func exit(_ status: Int32) -> Never {
    Glibc.exit(status)
  }
}
