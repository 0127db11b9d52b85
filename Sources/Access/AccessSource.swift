// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// The access control that is in force, which an operator may exchange while requests are served.
///
/// Isolation: read by every loop; a request that has been let in stays in.
public final class AccessSource: Sendable {
  private let held: Mutex<AccessControl?>

  /// Begins with this control; nil: everybody may do everything.
  public init(_ control: AccessControl?) {
    held = Mutex(control)
  }

  /// What is in force now.
  public var control: AccessControl? { held.withLock { $0 } }

  /// Puts another one in force, which was started. The next request is judged by it.
  public func replace(with control: AccessControl?) {
    held.withLock { $0 = control }
  }
}
