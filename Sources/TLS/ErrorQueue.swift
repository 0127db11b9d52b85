// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// OpenSSL's errors, which belong to the thread: cleared before a call, drained after it, in one function and with no
/// wait in between.
enum ErrorQueue {
  /// One error.
  struct Entry {
    let library: Int32
    let reason: Int32
    let text: String
  }

  static func clear() { ERR_clear_error() }

  /// Takes all errors; returns the oldest, which is the cause.
  static func drain() -> Entry? {
    let code = ERR_get_error()
    defer { ERR_clear_error() }
    guard code != 0 else { return nil }
    let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
    return Entry(
      library: gantry_tls_error_library(code), reason: gantry_tls_error_reason(code),
      text: text ?? "error \(String(code, radix: 16))")
  }

  /// The reason of the oldest error, which is forgotten with all others.
  static func reason() -> String { drain()?.text ?? "no reason was given" }
}
