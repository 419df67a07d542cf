#include "include/test_support.h"
#include <errno.h>
#include <malloc.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#endif

static _Thread_local uint64_t allocations;

uint64_t test_allocations(void) { return allocations; }

uint64_t test_bytes_in_use(void) {
  struct mallinfo2 in_use = mallinfo2();
  return in_use.uordblks + in_use.hblkhd;
}

#ifdef HAS_SANITIZER

bool test_counts_allocations(void) { return false; }

#else

bool test_counts_allocations(void) { return true; }

// glibc's own names of its allocator; free needs no counterpart here.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  allocations += 1;
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  allocations += 1;
  return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
  allocations += 1;
  return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  allocations += 1;
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
  allocations += 1;
  void *made = __libc_memalign(alignment, bytes);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

#endif
