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
