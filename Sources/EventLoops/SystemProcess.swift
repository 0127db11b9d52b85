// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import Glibc

/// What concerns the process as a whole.
public enum SystemProcess {
  /// Makes the process ready to serve: writing to a closed connection is an error and not a signal, and as many
  /// descriptors may be open as the system allows this process. Called once, before any connection.
  public static func prepareToServe() {
    _ = signal(SIGPIPE, SIG_IGN)
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Without the raise fewer connections fit, and accepting says so.
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Holds SIGTERM and SIGINT back in the calling thread and in every thread that it starts from now on, until
  /// ``deliverStopSignals()``: one that comes before its watcher is there must not end the process half started.
  public static func holdStopSignals() { changeStopSignals(SIG_BLOCK) }

  /// Lets the calling thread take SIGTERM and SIGINT again, those that were held back at once.
  public static func deliverStopSignals() { changeStopSignals(SIG_UNBLOCK) }

  private static func changeStopSignals(_ how: Int32) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
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

  /// Writes all bytes to standard output. Blocks; a closed or full stream loses them, as there is nobody to tell.
  public static func writeToOutput(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Writes all bytes to standard error, like ``writeToOutput(_:)``.
  public static func writeToErrors(_ bytes: [UInt8]) { write(bytes, to: STDERR_FILENO) }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    unsafe bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let put = unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
        if put > 0 {
          written += put
        } else if put == 0 || errno != EINTR {
          return
        }
      }
    }
  }

  /// Ends the process at once with this status.
  public static func exit(_ status: Int32) -> Never {
    Glibc.exit(status)
  }
}
