// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

// A slowdown to plant: preloaded into a server, it burns GANTRY_SLOWDOWN_US microseconds of processor time for each
// request that has "/manifests/" in its first line. `scripts/bench prove` shows with it that `make bench-quick` notices.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void burn(void) {
  static long wanted = -1;
  if (wanted < 0) {
    const char *text = getenv("GANTRY_SLOWDOWN_US");
    wanted = text ? atol(text) * 1000 : 0;
  }
  const long end = nanoseconds() + wanted;
  while (nanoseconds() < end) {}
}

ssize_t recv(int socket, void *bytes, size_t count, int flags) {
  static ssize_t (*real)(int, void *, size_t, int);
  if (!real) real = (ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
  const ssize_t result = real(socket, bytes, count, flags);
  if (result > 4 && bytes && memcmp(bytes, "GET ", 4) == 0 && !(flags & MSG_PEEK)) {
    const size_t line = result < 256 ? (size_t)result : 256;
    if (memmem(bytes, line, "/manifests/", 11)) burn();
  }
  return result;
}
