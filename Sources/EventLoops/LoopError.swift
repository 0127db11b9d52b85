// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV

/// A call to libuv or to the system that failed.
public struct LoopError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call.
  public var operation: String
  /// The system's error number, positive.
  public var code: Int32

  /// Makes an error from a negative result, as libuv returns it.
  init(_ operation: String, _ result: Int32) {
    self.operation = operation
    code = -result
  }

  /// The call and the system's words for the error.
  public var description: String {
    "\(operation): \(LoopError.text(code))"
  }

  /// The system's words for an error number.
  public static func text(_ code: Int32) -> String {
    unsafe String(cString: uv_strerror(-code))
  }
}

/// Traps when a libuv call that fails only through our own mistake did fail.
func expectSuccess(_ operation: StaticString, _ result: Int32) {
  precondition(result == 0, "\(operation): \(LoopError.text(-result))")
}
