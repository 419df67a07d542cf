// Thread and processor calls that glibc declares only under _GNU_SOURCE, which Swift's Glibc module
// is built without. Only Posix imports this.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// prctl(PR_SET_NAME) of the calling thread; prctl is variadic.
static inline void ct_name_this_thread(const char *_Nonnull name) {
  syscall(SYS_prctl, 15 /* PR_SET_NAME */, name, 0, 0, 0);
}

// How many CPUs the calling thread may run on; the cpu_set_t macros are out of Swift's reach.
static inline int ct_allowed_processors(void) {
  unsigned long mask[1024 / (8 * sizeof(long))] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int count = 0;
  for (long i = 0; i < bytes / (long)sizeof(long); i++) count += __builtin_popcountl(mask[i]);
  return count > 0 ? count : 1;
}

// getrandom(2) for 8 bytes, which neither fails nor returns short.
static inline uint64_t ct_random(void) {
  uint64_t value = 0;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}
