// Cells of one size, for the forks of one template: taken, given back and taken again.
//
// Memory fresh from the system costs more than all else in a spawn, so a process begins in memory
// that another one left. Cells are cut from slabs of 2 MiB. A slab whose cells are all free goes back
// to the system, but for one: so after a storm of exits the memory is there for others, and a
// process that comes and goes does not map and unmap.

#define _GNU_SOURCE
#include "machine.h"
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_BYTES ((size_t)2 << 20)
// Templates larger than this are copied into memory from malloc.
#define CELL_BYTES_MAX (SLAB_BYTES / 8)
// So much given back in slabs means that as many processes left what they had from malloc, too.
#define TRIM_AFTER_SLABS 32

// At the start of its 2 MiB, whose address is a multiple of that.
typedef struct ml_slab {
  struct ml_slab *next, *prev;  // in the ring of slabs with free cells
  void *free;                   // cells given back
  char *fresh;                  // from here on no cell was ever used
  size_t used;                  // cells taken
} ml_slab;

struct ml_pool {
  pthread_mutex_t lock;
  size_t cell_bytes;
  ml_slab open;      // head of the ring of slabs with free cells
  ml_slab *spare;    // one with all cells free; not in the ring
  size_t slabs;      // mapped, the spare one included
  size_t used;       // cells taken, from all slabs
  size_t unmapped;   // slabs given back since malloc was last trimmed
  bool closed;
};

ml_pool *ml_pool_new(size_t cell_bytes) {
  ml_pool *p = calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  pthread_mutex_init(&p->lock, NULL);
  p->cell_bytes = (cell_bytes + 15) & ~(size_t)15;
  p->open.next = p->open.prev = &p->open;
  return p;
}

// A mapping aligned to its size. From the second on, pages of 2 MiB are asked for: many processes
// then cost one fault instead of 512, and few entries of the processor's address cache.
static ml_slab *map_slab(bool huge) {
  char *raw = mmap(
      NULL, 2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return NULL;
  char *start = (char *)(((uintptr_t)raw + SLAB_BYTES - 1) & ~(SLAB_BYTES - 1));
  if (start > raw) munmap(raw, (size_t)(start - raw));
  char *end = raw + 2 * SLAB_BYTES;
  if (end > start + SLAB_BYTES) munmap(start + SLAB_BYTES, (size_t)(end - start) - SLAB_BYTES);
  if (huge) madvise(start, SLAB_BYTES, MADV_HUGEPAGE);
  ml_slab *s = (ml_slab *)start;
  s->fresh = start + ((sizeof *s + 63) & ~(size_t)63);
  return s;
}

static void open_slab(ml_pool *p, ml_slab *s) {
  s->next = p->open.next;
  s->prev = &p->open;
  s->next->prev = s;
  p->open.next = s;
}

static void shut_slab(ml_slab *s) {
  s->prev->next = s->next;
  s->next->prev = s->prev;
}

static bool has_fresh(const ml_pool *p, const ml_slab *s) {
  return s->fresh + p->cell_bytes <= (const char *)s + SLAB_BYTES;
}

static ml_slab *slab_with_room(ml_pool *p) {
  if (p->open.next != &p->open) return p->open.next;
  ml_slab *s = p->spare;
  p->spare = NULL;
  if (s == NULL) {
    s = map_slab(p->slabs > 0);
    if (s == NULL) return NULL;
    p->slabs += 1;
  }
  open_slab(p, s);
  return s;
}

void *ml_pool_take(ml_pool *p) {
  if (p->cell_bytes > CELL_BYTES_MAX) {
    void *cell = malloc(p->cell_bytes);
    if (cell == NULL) return NULL;
    pthread_mutex_lock(&p->lock);
    p->used += 1;
    pthread_mutex_unlock(&p->lock);
    return cell;
  }
  pthread_mutex_lock(&p->lock);
  ml_slab *s = slab_with_room(p);
  void *cell = NULL;
  if (s != NULL) {
    cell = s->free;
    if (cell != NULL) {
      s->free = *(void **)cell;
    } else {
      cell = s->fresh;
      s->fresh += p->cell_bytes;
    }
    s->used += 1;
    p->used += 1;
    if (s->free == NULL && !has_fresh(p, s)) shut_slab(s);
  }
  pthread_mutex_unlock(&p->lock);
  return cell;
}

static void destroy(ml_pool *p) {
  if (p->spare != NULL) munmap(p->spare, SLAB_BYTES);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

// Puts a cell back into its slab. Returns the slab if it is to be unmapped.
static ml_slab *put_back(ml_pool *p, void *cell) {
  ml_slab *s = (ml_slab *)((uintptr_t)cell & ~(SLAB_BYTES - 1));
  if (s->free == NULL && !has_fresh(p, s)) open_slab(p, s);
  *(void **)cell = s->free;
  s->free = cell;
  s->used -= 1;
  if (s->used > 0) return NULL;
  shut_slab(s);
  if (p->spare == NULL) {
    p->spare = s;
    return NULL;
  }
  p->slabs -= 1;
  return s;
}

void ml_pool_give(ml_pool *p, void *cell) {
  ml_spoil(cell, p->cell_bytes);
  ml_slab *empty = NULL;
  bool from_malloc = p->cell_bytes > CELL_BYTES_MAX;
  pthread_mutex_lock(&p->lock);
  if (!from_malloc) empty = put_back(p, cell);
  p->used -= 1;
  bool over = p->closed && p->used == 0;
  bool trim = empty != NULL && ++p->unmapped >= TRIM_AFTER_SLABS;
  if (trim) p->unmapped = 0;
  pthread_mutex_unlock(&p->lock);
  if (from_malloc) free(cell);
  if (empty != NULL) munmap(empty, SLAB_BYTES);
  if (trim) malloc_trim(0);
  if (over) destroy(p);
}

void ml_pool_close(ml_pool *p) {
  pthread_mutex_lock(&p->lock);
  p->closed = true;
  bool over = p->used == 0;
  pthread_mutex_unlock(&p->lock);
  if (over) destroy(p);
}
