// The allocator behind every Lua state: one arena a machine, dropped whole.
//
// Lua passes a block's old size when it frees it, so small blocks need no header: they are cut from
// chunks and kept in free lists by size class. Blocks over ML_SMALL_MAX come from malloc and hang on
// the machine's ring. Memory is never refused to a live state (returning NULL would start Lua's
// emergency collection, where 5.4.4 has a use-after-free): over the limit the machine dies by a
// jump, unless host code runs; then it is granted, and the trampoline dies on its way out.

#include "machine.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK_BYTES ((size_t)16 * 1024)
#define FIRST_CHUNK_BYTES_FORKED ((size_t)2 * 1024)  // beside the room its cell left
#define CHUNK_BYTES_MAX ((size_t)256 * 1024)

// Size classes: steps of 8 bytes up to 128, where most of Lua's objects are, and eight steps to each
// power of two above.
static inline unsigned class_of(size_t bytes) {
  if (bytes <= 128) return (unsigned)(bytes + 7) / 8;
  if (bytes <= 256) return 16 + (unsigned)(bytes - 128 + 15) / 16;
  if (bytes <= 512) return 24 + (unsigned)(bytes - 256 + 31) / 32;
  return 32 + (unsigned)(bytes - 512 + 63) / 64;
}

static inline size_t step_at(size_t bytes) {
  return bytes <= 128 ? 8 : bytes <= 256 ? 16 : bytes <= 512 ? 32 : 64;
}

// What a block of so many bytes takes: a small one as much as all of its class.
static inline size_t rounded(size_t bytes) {
  size_t step = bytes > ML_SMALL_MAX ? ML_GRAIN : step_at(bytes);
  return (bytes + step - 1) & ~(step - 1);
}

static void *from_system(size_t bytes) {
  void *block = malloc(bytes);
  // The host is out of memory: no process can go on safely, and nothing can be reported from here.
  if (block == NULL) abort();
  ml_spoil(block, bytes);
  return block;
}

// ---- Giving memory back ---------------------------------------------------------------------

// Blocks as large as this are mapped by themselves, and gone when they are freed. malloc left alone
// raises the bound with each such block that is freed, up to 32 MiB: after a storm of processes with
// large strings all of their memory would stay.
#define MAPPED_BYTES_MIN (4 << 20)
#define TOP_BYTES_MAX (8 << 20)
// What lies below stays in malloc's arenas, for others; after so many bytes dropped, what is free of
// it goes back to the system.
#define TRIM_AFTER_BYTES ((size_t)64 << 20)

static _Atomic size_t dropped;  // since malloc was last trimmed

void ml_tune_malloc(void) {
  mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
  mallopt(M_TRIM_THRESHOLD, TOP_BYTES_MAX);
}

static void note_dropped(size_t bytes) {
  if (bytes == 0) return;
  size_t sum = atomic_fetch_add_explicit(&dropped, bytes, memory_order_relaxed) + bytes;
  if (sum < TRIM_AFTER_BYTES) return;
  // One of those that come here together trims.
  if (atomic_exchange_explicit(&dropped, 0, memory_order_relaxed) >= TRIM_AFTER_BYTES)
    malloc_trim(0);
}

void ml_arena_open(ml_arena *a) {
  memset(a, 0, sizeof *a);
  a->big.next = a->big.prev = &a->big;
}

void ml_arena_drop(ml_arena *a) {
  size_t bytes = 0;
  for (ml_chunk *c = a->chunks, *next; c != NULL; c = next) {
    next = c->next;
    bytes += c->size;
    ml_spoil(c, c->size);
    free(c);
  }
  for (ml_big *b = a->big.next, *next; b != &a->big; b = next) {
    next = b->next;
    size_t size = malloc_usable_size(b);
    if (size < MAPPED_BYTES_MIN) bytes += size;
    free(b);
  }
  note_dropped(bytes);
  ml_arena_open(a);
}

// Makes free blocks of a piece of memory, so that nothing is lost.
static void scatter(ml_arena *a, char *piece, size_t left) {
  while (left >= ML_GRAIN) {
    size_t size = left > ML_SMALL_MAX ? ML_SMALL_MAX : left & ~(step_at(left) - 1);
    *(void **)piece = a->free[class_of(size)];
    a->free[class_of(size)] = piece;
    piece += size;
    left -= size;
  }
}

static size_t next_chunk_bytes(const ml_arena *a) {
  if (a->chunks == NULL) return a->forked != NULL ? FIRST_CHUNK_BYTES_FORKED : FIRST_CHUNK_BYTES;
  return a->chunks->size * 2 < CHUNK_BYTES_MAX ? a->chunks->size * 2 : CHUNK_BYTES_MAX;
}

// Cuts `bytes`, which are rounded.
static void *cut(ml_arena *a, size_t bytes) {
  if ((size_t)(a->end - a->next) < bytes) {
    scatter(a, a->next, (size_t)(a->end - a->next));
    size_t size = next_chunk_bytes(a);
    ml_chunk *c = from_system(size);
    c->next = a->chunks;
    c->size = size;
    a->chunks = c;
    a->next = (char *)(c + 1);
    a->end = (char *)c + size;
  }
  void *block = a->next;
  a->next += bytes;
  return block;
}

static inline bool is_in_region(const ml_arena *a, const void *block) {
  const char *b = block;
  return a->region != NULL && b >= a->region->base && b < a->region->base + a->region->bytes;
}

// Whether a block over ML_SMALL_MAX bytes lies inside a region or a fork's copy, without a header.
static inline bool is_inside(const ml_arena *a, const void *block) {
  const char *b = block;
  return (b >= a->forked && b < a->forked_end) || is_in_region(a, block);
}

// A template's blocks are noted, to be packed when it is done (template.c). Its words are told apart
// by what they look like: Lua leaves the padding of its values unwritten, and there, what a freed
// block held would pass for an address, so blocks are zeroed.
static void *noted(ml_arena *a, void *block, size_t bytes) {
  if (is_in_region(a, block)) {
    memset(block, 0, rounded(bytes));
    a->region->sizes[((char *)block - a->region->base) / ML_GRAIN] = (uint32_t)rounded(bytes);
  }
  return block;
}

static void *take(ml_arena *a, size_t bytes) {
  if (bytes <= ML_SMALL_MAX) {
    unsigned class = class_of(bytes);
    void *block = a->free[class];
    if (block == NULL) block = cut(a, rounded(bytes));
    else a->free[class] = *(void **)block;
    return a->region == NULL ? block : noted(a, block, bytes);
  }
  if (a->region != NULL && (size_t)(a->end - a->next) >= rounded(bytes))
    return noted(a, cut(a, rounded(bytes)), bytes);
  ml_big *b = from_system(sizeof *b + bytes);
  b->next = a->big.next;
  b->prev = &a->big;
  b->next->prev = b;
  a->big.next = b;
  return b + 1;
}

static void give(ml_arena *a, void *block, size_t bytes) {
  ml_spoil(block, bytes);
  if (is_in_region(a, block))
    a->region->sizes[((char *)block - a->region->base) / ML_GRAIN] = 0;
  if (bytes <= ML_SMALL_MAX) {
    unsigned class = class_of(bytes);
    *(void **)block = a->free[class];
    a->free[class] = block;
    return;
  }
  if (is_inside(a, block)) {
    scatter(a, block, rounded(bytes));
    return;
  }
  ml_big *b = (ml_big *)block - 1;
  b->prev->next = b->next;
  b->next->prev = b->prev;
  free(b);
}

static void *move(ml_arena *a, void *block, size_t old_size, size_t new_size) {
  if (old_size <= ML_SMALL_MAX && new_size <= ML_SMALL_MAX) {
    if (class_of(old_size) == class_of(new_size)) return block;
  } else if (old_size > ML_SMALL_MAX && new_size > ML_SMALL_MAX && !is_inside(a, block)) {
    ml_big *b = (ml_big *)block - 1;
    ml_big *moved = realloc(b, sizeof *b + new_size);
    if (moved == NULL) abort();
    moved->next->prev = moved;
    moved->prev->next = moved;
    return moved + 1;
  }
  void *fresh = take(a, new_size);
  memcpy(fresh, block, old_size < new_size ? old_size : new_size);
  give(a, block, old_size);
  return fresh;
}

// Over three quarters of the limit a full collection is due before the limit may kill: asks for it
// at the next instruction of Lua code. The coroutine asked may never run again (it ended in this
// very C call), so the next one is asked after an eighth of what is left; a fiber is when it starts.
static void ask_for_collection(ml_machine *m, size_t used) {
  m->collection_due = true;
  m->collect_at = used + (m->limit > used ? (m->limit - used) / 8 : 0);
  if (m->current != NULL) lua_sethook(m->current, ml_hook, LUA_MASKCOUNT, 1);
}

void *ml_allocator(void *ud, void *block, size_t old_size, size_t new_size) {
  ml_machine *m = ud;
  if (block == NULL) old_size = 0;  // then it is the kind of object, not a size
  size_t used = atomic_load_explicit(&m->used, memory_order_relaxed) - old_size + new_size;
  if (new_size > old_size) {
    if (used > m->limit && m->host == 0 && m->worker != NULL) ml_die(m, ML_DEATH_MEMORY);
    if (used > m->collect_at) ask_for_collection(m, used);
  }
  // From here to the end a signal must not jump: malloc and the lists are half changed.
  m->in_alloc = 1;
  atomic_signal_fence(memory_order_seq_cst);
  void *result = NULL;
  if (new_size == 0) {
    if (block != NULL) give(&m->arena, block, old_size);
  } else if (block == NULL) {
    result = take(&m->arena, new_size);
  } else {
    result = move(&m->arena, block, old_size, new_size);
  }
  atomic_store_explicit(&m->used, used, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  m->in_alloc = 0;
  return result;
}

void *ml_machine_allocate(ml_machine *m, size_t bytes) {
  m->host += 1;
  void *block = ml_allocator(m, NULL, 0, bytes);
  m->host -= 1;
  return block;
}

void ml_machine_release(ml_machine *m, void *block, size_t bytes) {
  ml_allocator(m, block, bytes, 0);
}
