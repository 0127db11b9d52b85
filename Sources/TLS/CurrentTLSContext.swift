// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import Synchronization

/// The context that the next connection begins with. Shared by loops and whoever reloads.
public final class CurrentTLSContext: Sendable {
  private let state: Mutex<TLSContext>

  /// Begins with this context.
  public init(_ context: TLSContext) {
    state = Mutex(context)
  }

  /// The context of the moment. Sessions under way keep theirs.
  public var value: TLSContext {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
