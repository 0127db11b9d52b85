// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV

// Every function that C calls. File-scope functions, because a closure literal would inherit the isolation of where it
// is written and trap on another thread. Each takes the context out of the handle and enters its owner, nothing else.

/// The context that a handle's owner put into `data`.
private func context<Context: AnyObject>(
  _ data: UnsafeMutableRawPointer?, as type: Context.Type
) -> Context {
  guard let data = unsafe data else { preconditionFailure("libuv called back without a context") }
  return unsafe Unmanaged<Context>.fromOpaque(data).takeUnretainedValue()
}

func onHandleClosed(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  guard let handle = unsafe handle, let data = unsafe handle.pointee.data else {
    preconditionFailure("libuv closed a handle without a context")
  }
  // Paired with passRetained in UVHandle.init.
  unsafe Unmanaged<AnyObject>.fromOpaque(data).release()
  unsafe UnsafeMutableRawPointer(handle).deallocate()
}

func onWake(_ handle: UnsafeMutablePointer<uv_async_t>?) {
  unsafe context(handle?.pointee.data, as: EventLoop.self).takeInbox()
}

func onPrepare(_ handle: UnsafeMutablePointer<uv_prepare_t>?) {
  unsafe context(handle?.pointee.data, as: EventLoop.self).drain()
}

func onCheck(_ handle: UnsafeMutablePointer<uv_check_t>?) {
  unsafe context(handle?.pointee.data, as: EventLoop.self).beginTurn()
}

/// Keeps the loop from sleeping; the work is done by prepare and check.
func onIdle(_ handle: UnsafeMutablePointer<uv_idle_t>?) {}

func onTimer(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
  unsafe context(handle?.pointee.data, as: UVTimer.self).fired()
}

func onPoll(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
  unsafe context(handle?.pointee.data, as: SocketPoll.self).ready(status: status, events: events)
}

func onSignal(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ number: Int32) {
  unsafe context(handle?.pointee.data, as: SignalWatcher.self).received(number)
}

func onLoopThread(_ argument: UnsafeMutableRawPointer?) {
  guard let argument = unsafe argument else { preconditionFailure("a loop thread began without its loop") }
  // Paired with passRetained in EventLoop.start.
  unsafe Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
}

func onWorkerThread(_ argument: UnsafeMutableRawPointer?) {
  guard let argument = unsafe argument else { preconditionFailure("a worker thread began without its queue") }
  // Paired with passRetained in WorkQueue.startThread.
  unsafe Unmanaged<WorkQueue>.fromOpaque(argument).takeRetainedValue().work()
}
