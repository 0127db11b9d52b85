// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_UV_SHIM_H
#define GANTRY_UV_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uv.h>

// What the system offers beside libuv and Swift cannot import: variadic calls, and calls that the headers show only
// under _GNU_SOURCE, which a header imported as a module cannot define for the modules below it. Every wrapper returns
// the call's value, or the negated error number.

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int getresuid(uid_t *, uid_t *, uid_t *);
extern int getresgid(gid_t *, gid_t *, gid_t *);
extern ssize_t preadv2(int, const struct iovec *, int, off_t, int);

#define GANTRY_RESULT(call)                    \
  do {                                         \
    ssize_t result = (call);                   \
    return result < 0 ? -(ssize_t)errno : result; \
  } while (0)

static inline ssize_t gantry_accept(int listener) {
  GANTRY_RESULT(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static inline ssize_t gantry_socket(int family) {
  GANTRY_RESULT(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// The real, the effective and the saved user and group of the process.
static inline int gantry_user_ids(uid_t *real, uid_t *effective, uid_t *saved) {
  return getresuid(real, effective, saved);
}
static inline int gantry_group_ids(gid_t *real, gid_t *effective, gid_t *saved) {
  return getresgid(real, effective, saved);
}

static inline ssize_t gantry_datagram_socket(void) {
  GANTRY_RESULT(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static inline ssize_t gantry_send_datagram(int socket, const void *bytes, size_t count,
                                           const struct sockaddr_un *address, socklen_t length) {
  GANTRY_RESULT(
      sendto(socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)address, length));
}

static inline ssize_t gantry_receive(int socket, void *bytes, size_t count) {
  GANTRY_RESULT(recv(socket, bytes, count, 0));
}

// Whether a receive would find bytes now; the end of the stream is none.
static inline int gantry_has_input(int socket) {
  char byte;
  return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

// Has a listening TCP socket drop segments that would begin a connection (SYN without ACK), as if they were lost, while
// those of connections that have begun still come (Linux, a socket filter; needs no privilege). The filter sees the
// segment from its TCP header on; connections that are accepted inherit it, and it never matches on them.
static inline ssize_t gantry_drop_new_connections(int listener) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),               // the flags
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),            // ACK and SYN
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),      // SYN alone
      BPF_STMT(BPF_RET | BPF_K, 0),                         // dropped
      BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),                // taken whole
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  GANTRY_RESULT(setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

// Takes received bytes off the socket without copying them (Linux, TCP); the count is what was taken.
static inline ssize_t gantry_discard(int socket, size_t count) {
  GANTRY_RESULT(recv(socket, NULL, count, MSG_TRUNC));
}

static inline ssize_t gantry_send(int socket, const void *bytes, size_t count, int more) {
  GANTRY_RESULT(send(socket, bytes, count, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

// Sends `head` and then `body`, which are left where they are.
static inline ssize_t gantry_send_both(
    int socket, const void *head, size_t head_count, const void *body, size_t body_count, int more) {
  struct iovec pieces[2] = {
      {.iov_base = (void *)head, .iov_len = head_count},
      {.iov_base = (void *)body, .iov_len = body_count},
  };
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  GANTRY_RESULT(sendmsg(socket, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

static inline ssize_t gantry_sendfile(int socket, int file, int64_t offset, size_t count) {
  off_t position = offset;
  GANTRY_RESULT(sendfile(socket, file, &position, count));
}

// Reads at most `count` bytes at `offset`; with `resident_only` those that are in the page cache, else EAGAIN, or
// EOPNOTSUPP where the file system does not tell (see below).
static inline ssize_t gantry_read(int file, void *bytes, size_t count, int64_t offset, int resident_only) {
  struct iovec piece = {.iov_base = bytes, .iov_len = count};
  const int no_wait = 0x00000008;  // RWF_NOWAIT
  GANTRY_RESULT(preadv2(file, &piece, 1, offset, resident_only ? no_wait : 0));
}

// 1 when the byte at `offset` is in the page cache, 0 when reading it would wait for the disk, 2 at or beyond the end
// of the file, -1 when the file system does not tell this way (tmpfs, overlayfs, NFS and FUSE do not).
static inline int gantry_is_resident(int file, int64_t offset) {
  char byte;
  struct iovec piece = {.iov_base = &byte, .iov_len = 1};
  const int no_wait = 0x00000008;  // RWF_NOWAIT
  ssize_t result = preadv2(file, &piece, 1, offset, no_wait);
  return result == 1 ? 1 : result == 0 ? 2 : errno == EOPNOTSUPP ? -1 : 0;
}

// The same question for every file system that can be mapped, at a higher price: where the first page between `offset`
// and `end` begins that is not in memory, at the earliest `offset`; `end` when all are, and `offset` when it cannot be
// told. Looks at 2 MiB at most, from wherever in a page.
static inline int64_t gantry_first_absent(int file, int64_t offset, int64_t end) {
  unsigned char pages[513];
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t start = offset / page * page;
  int64_t count = (end - start + page - 1) / page;
  if (count > (int64_t)sizeof pages) count = (int64_t)sizeof pages;
  void *mapped = mmap(NULL, (size_t)(count * page), PROT_READ, MAP_SHARED, file, start);
  if (mapped == MAP_FAILED) return offset;
  int64_t absent = start;
  if (mincore(mapped, (size_t)(count * page), pages) == 0) {
    for (int64_t index = 0; index < count && (pages[index] & 1); index++) absent += page;
  }
  munmap(mapped, (size_t)(count * page));
  return absent < offset ? offset : absent < end ? absent : end;
}

static inline ssize_t gantry_open(const char *path, int flags, unsigned mode) {
  GANTRY_RESULT(open(path, flags | O_CLOEXEC, mode));
}

// Takes hold of a file without opening it, of a symbolic link itself. EOPNOTSUPP where a file that lost its last name
// may not say so: on overlayfs it is a lower layer's, which nobody touched; on NFS a held file is renamed, not removed.
static inline ssize_t gantry_hold(const char *path) {
  const int path_only = 010000000;  // O_PATH
  int file = open(path, path_only | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return -errno;
  struct statfs system;
  int error = fstatfs(file, &system) == 0 ? EOPNOTSUPP : errno;
  if (error == EOPNOTSUPP) {
    switch ((uint32_t)system.f_type) {
      case 0x0000EF53:  // ext2, ext3, ext4
      case 0x58465342:  // xfs
      case 0x9123683E:  // btrfs
      case 0x01021994:  // tmpfs
      case 0xF2F52010:  // f2fs
      case 0xCA451A4E:  // bcachefs
        return file;
      default: break;
    }
  }
  close(file);
  return -error;
}

// An advisory write lock on the whole file, owned by the open file description (Linux F_OFD_SETLK), so that it is freed
// by the last close of this descriptor and by nothing else. `type` is F_WRLCK or F_UNLCK.
static inline ssize_t gantry_lock(int file, short type) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  const int set_lock = 37;  // F_OFD_SETLK
  GANTRY_RESULT(fcntl(file, set_lock, &lock));
}

// Whether another open file description holds such a lock (Linux F_OFD_GETLK): 1 or 0.
static inline ssize_t gantry_is_locked(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  const int get_lock = 36;  // F_OFD_GETLK
  const int result = fcntl(file, get_lock, &lock);
  if (result == 0) return lock.l_type != F_UNLCK;
  GANTRY_RESULT(result);
}

// As gantry_lock with F_WRLCK, but waits for whoever holds the lock (Linux F_OFD_SETLKW); no signal ends the wait.
static inline ssize_t gantry_wait_for_lock(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  const int set_lock_wait = 38;  // F_OFD_SETLKW
  int locked;
  do { locked = fcntl(file, set_lock_wait, &lock); } while (locked < 0 && errno == EINTR);
  GANTRY_RESULT(locked);
}

// A timer as a descriptor, on the clock of uv_hrtime, in nanoseconds where libuv's timers count milliseconds.
static inline ssize_t gantry_timer(void) {
  GANTRY_RESULT(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
}

// Has the timer fire once at that time; at once when it has passed.
static inline ssize_t gantry_timer_set(int timer, uint64_t nanoseconds) {
  struct itimerspec when = {{0, 0}, {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)}};
  GANTRY_RESULT(timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL));
}

// Names the calling thread; the kernel keeps 15 characters.
static inline void gantry_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Lowers the scheduling priority of the calling thread alone (Linux keeps the nice value per thread).
static inline void gantry_yield_to_others(int nice) {
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
}

#endif
