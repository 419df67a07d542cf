// Forking: a Lua state made once and copied for each process of an entry.
//
// A template is a machine whose every block lies in one region of memory. Once it is built and
// collected, the words of that region that hold addresses inside it are known; a fork copies the
// region and adds the distance to each of them. Why that is sound:
//   - nothing outside points in, except what the fork sets itself (the machine's own fields);
//   - pointers are aligned, so looking at aligned words finds them all;
//   - memory is zeroed before it is used again, so no padding beside a value's type holds the rest of
//     an address: adding to such a word would change the type;
//   - a number, a text or a pair of instructions that only looks like an address inside would have to
//     lie in the chunks, whose bytes are looked through before the state is built; a region they
//     clash with is left for another (ml_template_clashes);
//   - no table of a template is keyed by an address inside it: strings hash by content, light
//     userdata keys are addresses outside (LuaKey);
//   - C functions and static data lie outside and stay.
// It is tried before it is relied on: at start-up forks run through the collector, coroutines, errors
// and libraries (ForkSelfCheck.swift), and where one fails states are booted instead.

#define _GNU_SOURCE
#include "machine.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES ((size_t)2 << 20)
// Room behind the copied bytes, so that a process that does little needs no second chunk.
#define FORK_SLACK_BYTES ((size_t)3072)

struct ml_template {
  char *base;          // a copy of the region's used bytes
  uintptr_t origin;    // where the region was
  size_t used;         // bytes
  uint32_t *inner;     // words (by index) that hold an address inside
  size_t inner_count;
  uint32_t *owner;     // words that hold the machine's address
  size_t owner_count;
  size_t state, fiber; // offsets of the two threads
  size_t random;       // offset of math.random's state, or 0
  size_t lua_bytes;    // what Lua counts as in use
  size_t free[ML_CLASSES];  // offsets of the free lists' heads, or 0
};

ml_machine *ml_machine_new_template(void) {
  char *region = mmap(
      NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return NULL;
  ml_machine *m = ml_machine_new_in(region, REGION_BYTES, SIZE_MAX);
  if (m == NULL) munmap(region, REGION_BYTES);
  return m;
}

// At every byte, since a chunk's dump keeps integers, strings and instructions as they are, but not
// where they will be aligned.
bool ml_template_clashes(const ml_machine *m, const uint8_t *bytes, size_t count) {
  uintptr_t origin = (uintptr_t)m->arena.region;
  for (size_t i = 0; i + sizeof(uintptr_t) <= count; i++) {
    uintptr_t word;
    memcpy(&word, bytes + i, sizeof word);
    if (word - origin <= REGION_BYTES) return true;
  }
  return false;
}

void ml_machine_free_template(ml_machine *m) {
  char *region = m->arena.region;
  ml_machine_free(m);
#ifdef DEBUG
  // Nothing else may come to lie there: a fork's word that still points in must fault.
  mmap(region, REGION_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#else
  munmap(region, REGION_BYTES);
#endif
}

// Where math.random keeps its state: the first upvalue of the function. 0 where there is none.
static size_t find_random(ml_machine *m) {
  lua_State *L = m->state;
  size_t offset = 0;
  lua_pushglobaltable(L);
  lua_pushliteral(L, "math");
  if (lua_rawget(L, -2) == LUA_TTABLE) {
    lua_pushliteral(L, "random");
    if (lua_rawget(L, -2) == LUA_TFUNCTION && lua_getupvalue(L, -1, 1) != NULL) {
      char *state = lua_touserdata(L, -1);
      if (state != NULL) offset = (size_t)(state - m->arena.region);
    }
  }
  lua_settop(L, 0);
  return offset;
}

static bool scan(ml_template *t, const ml_machine *m) {
  size_t words = t->used / sizeof(uintptr_t);
  t->inner = malloc(words * sizeof *t->inner);
  t->owner = malloc(words * sizeof *t->owner);
  if (t->inner == NULL || t->owner == NULL) return false;
  const uintptr_t *word = (const uintptr_t *)m->arena.region;
  for (size_t i = 0; i < words; i++) {
    if (word[i] - t->origin <= t->used) t->inner[t->inner_count++] = (uint32_t)i;
    else if (word[i] == (uintptr_t)m) t->owner[t->owner_count++] = (uint32_t)i;
  }
  return true;
}

ml_template *ml_template_new(ml_machine *m, lua_State *fiber) {
  lua_gc(m->state, LUA_GCCOLLECT);
  if (m->arena.chunks != NULL || m->arena.big.next != &m->arena.big) return NULL;  // outgrown
  ml_template *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  char *region = m->arena.region;
  t->random = find_random(m);
  t->origin = (uintptr_t)region;
  t->used = (size_t)(m->arena.next - region);
  t->state = (size_t)((char *)m->state - region);
  t->fiber = (size_t)((char *)fiber - region);
  t->lua_bytes = ml_machine_memory(m);
  for (int class = 0; class < ML_CLASSES; class++) {
    if (m->arena.free[class] != NULL) t->free[class] = (size_t)((char *)m->arena.free[class] - region);
  }
  t->base = malloc(t->used);
  if (t->base == NULL || !scan(t, m)) {
    ml_template_free(t);
    return NULL;
  }
  memcpy(t->base, region, t->used);
  return t;
}

void ml_template_free(ml_template *t) {
  free(t->base);
  free(t->inner);
  free(t->owner);
  free(t);
}

ml_machine *ml_template_fork(
    const ml_template *t, size_t memory_limit, uint64_t seed, lua_State **fiber) {
  ml_machine *m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  ml_arena *a = &m->arena;
  ml_arena_open(a);
  size_t size = sizeof(ml_chunk) + t->used + FORK_SLACK_BYTES;
  ml_chunk *chunk = malloc(size);
  if (chunk == NULL) {
    free(m);
    return NULL;
  }
  chunk->next = NULL;
  chunk->size = size;
  a->chunks = chunk;
  char *base = (char *)(chunk + 1);
  memcpy(base, t->base, t->used);
  uintptr_t *word = (uintptr_t *)base;
  uintptr_t distance = (uintptr_t)base - t->origin;
  for (size_t i = 0; i < t->inner_count; i++) word[t->inner[i]] += distance;
  for (size_t i = 0; i < t->owner_count; i++) word[t->owner[i]] = (uintptr_t)m;
  a->next = base + t->used;
  a->end = (char *)chunk + size;
  a->forked = base;
  a->forked_end = base + t->used;
  for (int class = 0; class < ML_CLASSES; class++) {
    if (t->free[class] != 0) a->free[class] = base + t->free[class];
  }
  ml_machine_set_memory_limit(m, memory_limit);
  m->host = 1;
  m->secret = ml_keyed(seed, 0);
  m->state = (lua_State *)(base + t->state);
  atomic_store_explicit(&m->used, t->lua_bytes, memory_order_relaxed);
  if (t->random != 0) {
    uint64_t *random = (uint64_t *)(base + t->random);
    for (uint64_t i = 0; i < 4; i++) random[i] = ml_keyed(seed, i + 1);
  }
  *fiber = (lua_State *)(base + t->fiber);
  return m;
}
