// Linux calls that Swift's Glibc module does not export, and wrappers for what Swift cannot call.
// Only Posix imports this.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// Enumerators: Swift would not import them as plain integers.
static const uint32_t cl_epoll_in = EPOLLIN;
static const uint32_t cl_epoll_out = EPOLLOUT;
static const uint32_t cl_epoll_err = EPOLLERR;
static const uint32_t cl_epoll_hup = EPOLLHUP;
static const uint32_t cl_epoll_rdhup = EPOLLRDHUP;

// Declared only under _GNU_SOURCE, which the Glibc module is built without.
static const int cl_o_path = __O_PATH;

static inline int cl_accept4(
    int listener, void *_Nonnull address, uint32_t *_Nonnull length, int flags)
{
    return (int)syscall(SYS_accept4, listener, address, length, flags);
}

// glibc's header would make sigset_t this module's type; 8 is the size of the kernel's set.
static inline int cl_signalfd(const void *_Nonnull set, int flags)
{
    return (int)syscall(SYS_signalfd4, -1, set, (size_t)8, flags);
}

// syscall(2) is variadic, and glibc has no wrapper for openat2.
static inline int cl_openat2(
    int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// ---- Threads and processors, declared by glibc only under _GNU_SOURCE ----

// prctl(PR_SET_NAME) of the calling thread; prctl is variadic.
static inline void cl_name_this_thread(const char *_Nonnull name) {
  syscall(SYS_prctl, 15 /* PR_SET_NAME */, name, 0, 0, 0);
}

// How many CPUs the calling thread may run on; the cpu_set_t macros are out of Swift's reach.
static inline int cl_allowed_processors(void) {
  unsigned long mask[1024 / (8 * sizeof(long))] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int count = 0;
  for (long i = 0; i < bytes / (long)sizeof(long); i++) count += __builtin_popcountl(mask[i]);
  return count > 0 ? count : 1;
}

// getrandom(2) for 8 bytes, which neither fails nor returns short.
static inline uint64_t cl_random(void) {
  uint64_t value = 0;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}
