// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// The system's time of day.
struct SystemWallClock: WallClock {
  var now: WallTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }
}

/// The kernel's random number generator.
struct SystemEntropy: Entropy {
  func bytes(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      unsafe expectSuccess("uv_random", uv_random(nil, nil, buffer.baseAddress, count, 0, nil))
      filled = count
    }
  }
}
