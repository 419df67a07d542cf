// Forking: a Lua state made once and copied for each process of an entry.
//
// A template is a machine whose every block lies in one region of memory. Once it is built and
// collected, its live blocks are packed into an image, and the words of it that hold addresses inside
// are known; a fork copies the image and adds its own address to each of them. Why that is sound:
//   - nothing outside points in, except what the fork sets itself (the machine's own fields);
//   - pointers are aligned, so looking at aligned words finds them all;
//   - memory is zeroed before it is used, so no padding beside a value's type holds the rest of an
//     address: adding to such a word would change the type;
//   - a number, a text or a pair of instructions that only looks like an address inside would have to
//     lie in the chunks, whose bytes are looked through before the state is built; a region they
//     clash with is left for another (ml_template_clashes);
//   - two small fields that share a word (a place in the code and a line, a size and a size) do not
//     look like one: the lower is below 2^31, and every address of a region has bit 31 set
//     (map_region);
//   - no table of a template is keyed by an address inside it: strings hash by content, light
//     userdata keys are addresses outside (LuaKey);
//   - C functions and static data lie outside and stay;
//   - blocks keep their order, and those that touched still do: an address behind the last byte of one
//     (a table's `lastfree`) stays that, whether or not it is also where the next one begins.
// It is tried before it is relied on: at start-up forks run through the collector, coroutines, errors
// and libraries (ForkSelfCheck.swift), and where one fails states are booted instead.

#define _GNU_SOURCE
#include "machine.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES ((size_t)2 << 20)
// Room behind the copied bytes, so that a process that does little needs no second chunk.
#define FORK_SLACK_BYTES ((size_t)1024)

struct ml_template {
  char *image;         // the live blocks, packed; addresses inside are offsets from its start
  size_t bytes;
  uint32_t *inner;     // words (by index) that hold an address inside
  size_t inner_count;
  uint32_t *owner;     // words that hold the machine's address
  size_t owner_count;
  size_t state;        // offset of the main thread
  size_t random;       // offset of math.random's state, or 0
  size_t lua_bytes;    // what Lua counts as in use
  ml_pool *pool;       // where the forks' memory comes from
};

static void free_region(ml_region *r) {
#ifdef DEBUG
  // Nothing else may come to lie there: a fork's word that still points in must fault.
  if (r->base != MAP_FAILED)
    mmap(r->base, REGION_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#else
  if (r->base != MAP_FAILED) munmap(r->base, REGION_BYTES);
#endif
  free(r->sizes);
  free(r);
}

#define BIT_31 ((uintptr_t)1 << 31)

// Whether every address from `base` to the region's end has bit 31 set.
static bool has_high_half(uintptr_t base) {
  return (base & BIT_31) != 0 && ((base + REGION_BYTES) & BIT_31) != 0;
}

static char *map(size_t bytes, int protection) {
  return mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// Maps a region at addresses with bit 31 set.
static char *map_region(void) {
  char *base = map(REGION_BYTES, PROT_READ | PROT_WRITE);
  if (base == MAP_FAILED || has_high_half((uintptr_t)base)) return base;
  munmap(base, REGION_BYTES);
  // So long a stretch holds such a region, wherever it begins; the rest is given back.
  const size_t stretch = BIT_31 + 2 * REGION_BYTES;
  char *start = map(stretch, PROT_NONE);
  if (start == MAP_FAILED) return start;
  base = start;
  if (!has_high_half((uintptr_t)base)) {
    uintptr_t next = ((uintptr_t)base | (BIT_31 - 1)) + 1;  // bit 31 changes here
    base += next - (uintptr_t)base + ((next & BIT_31) != 0 ? 0 : BIT_31);
  }
  char *end = base + REGION_BYTES;
  if (base > start) munmap(start, (size_t)(base - start));
  munmap(end, (size_t)(start + stretch - end));
  if (mprotect(base, REGION_BYTES, PROT_READ | PROT_WRITE) == 0) return base;
  munmap(base, REGION_BYTES);
  return MAP_FAILED;
}

ml_machine *ml_machine_new_template(void) {
  ml_region *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->bytes = REGION_BYTES;
  r->base = map_region();
  r->sizes = calloc(REGION_BYTES / ML_GRAIN, sizeof *r->sizes);
  ml_machine *m = NULL;
  if (r->base != MAP_FAILED && r->sizes != NULL) m = ml_machine_new_in(r, SIZE_MAX);
  if (m == NULL) free_region(r);
  return m;
}

void ml_machine_free_template(ml_machine *m) {
  ml_region *r = m->arena.region;
  ml_machine_free(m);
  free_region(r);
}

// At every byte, since a chunk's dump keeps integers, strings and instructions as they are, but not
// where they will be aligned.
bool ml_template_clashes(const ml_machine *m, const uint8_t *bytes, size_t count) {
  uintptr_t origin = (uintptr_t)m->arena.region->base;
  for (size_t i = 0; i + sizeof(uintptr_t) <= count; i++) {
    uintptr_t word;
    memcpy(&word, bytes + i, sizeof word);
    if (word - origin <= REGION_BYTES) return true;
  }
  return false;
}

// The address of math.random's state, which is the first upvalue of the function. NULL: there is none.
static void *find_random(ml_machine *m) {
  lua_State *L = m->state;
  int height = lua_gettop(L);
  void *state = NULL;
  lua_pushglobaltable(L);
  lua_pushliteral(L, "math");
  if (lua_rawget(L, -2) == LUA_TTABLE) {
    lua_pushliteral(L, "random");
    if (lua_rawget(L, -2) == LUA_TFUNCTION && lua_getupvalue(L, -1, 1) != NULL)
      state = lua_touserdata(L, -1);
  }
  lua_settop(L, height);
  return state;
}

// Where the bytes of a region go when its live blocks are packed.
typedef struct {
  uintptr_t origin;
  size_t grains;       // of the region that were ever used
  size_t bytes;        // packed
  uint32_t *moved;     // by grain: its offset in the image, plus one; 0: in no live block
} packing;

static bool pack(packing *p, const ml_machine *m) {
  const ml_region *r = m->arena.region;
  p->origin = (uintptr_t)r->base;
  p->grains = (size_t)(m->arena.next - r->base) / ML_GRAIN;
  p->bytes = 0;
  p->moved = calloc(p->grains + 1, sizeof *p->moved);
  if (p->moved == NULL) return false;
  for (size_t i = 0; i < p->grains;) {
    size_t end = i + r->sizes[i] / ML_GRAIN;
    if (end == i) i++;
    for (; i < end; i++, p->bytes += ML_GRAIN) p->moved[i] = (uint32_t)p->bytes + 1;
  }
  return true;
}

// The offset in the image of an address in the region. One behind the last byte of a block counts as
// the block's, where no other begins. SIZE_MAX: of nothing that lives, as in the unused part of a stack.
static size_t packed(const packing *p, uintptr_t address) {
  size_t grain = (address - p->origin) / ML_GRAIN, rest = (address - p->origin) % ML_GRAIN;
  if (grain <= p->grains && p->moved[grain] != 0) return p->moved[grain] - 1 + rest;
  if (grain > 0 && grain <= p->grains && p->moved[grain - 1] != 0 && rest == 0)
    return p->moved[grain - 1] - 1 + ML_GRAIN;
  return SIZE_MAX;
}

// Copies the live blocks and finds the words that must be adjusted.
static bool fill(ml_template *t, const packing *p, const ml_machine *m) {
  size_t words = p->bytes / sizeof(uintptr_t);
  t->bytes = p->bytes;
  t->image = malloc(p->bytes);
  t->inner = malloc(words * sizeof *t->inner);
  t->owner = malloc(words * sizeof *t->owner);
  if (t->image == NULL || t->inner == NULL || t->owner == NULL) return false;
  const uintptr_t *from = (const uintptr_t *)p->origin;
  uintptr_t *to = (uintptr_t *)t->image;
  for (size_t i = 0; i < p->grains; i++) {
    if (p->moved[i] == 0) continue;
    uintptr_t word = from[i];
    uint32_t place = (uint32_t)((p->moved[i] - 1) / sizeof word);
    if (word - p->origin <= p->grains * ML_GRAIN) {
      size_t offset = packed(p, word);
      word = offset == SIZE_MAX ? 0 : offset;
      if (offset != SIZE_MAX) t->inner[t->inner_count++] = place;
    } else if (word == (uintptr_t)m) {
      t->owner[t->owner_count++] = place;
    }
    to[place] = word;
  }
  return true;
}

ml_template *ml_template_new(ml_machine *m) {
  // First: looking for it makes strings, which may be the ones that outgrow the region.
  void *random = find_random(m);
  // Twice: what the first finds unreachable may still hold blocks that the second gives back.
  lua_gc(m->state, LUA_GCCOLLECT);
  lua_gc(m->state, LUA_GCCOLLECT);
  if (m->arena.chunks != NULL || m->arena.big.next != &m->arena.big) return NULL;  // outgrown
  ml_template *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  packing p;
  bool made = pack(&p, m) && fill(t, &p, m);
  if (made) {
    t->state = packed(&p, (uintptr_t)m->state);
    t->random = random == NULL ? 0 : packed(&p, (uintptr_t)random);
    t->lua_bytes = ml_machine_memory(m);
    t->pool = ml_pool_new(sizeof(ml_machine) + t->bytes + FORK_SLACK_BYTES);
    made = t->pool != NULL;
  }
  free(p.moved);
  if (made) return t;
  ml_template_free(t);
  return NULL;
}

void ml_template_free(ml_template *t) {
  if (t->pool != NULL) ml_pool_close(t->pool);
  free(t->image);
  free(t->inner);
  free(t->owner);
  free(t);
}

ml_machine *ml_template_fork(const ml_template *t, size_t memory_limit, uint64_t seed) {
  ml_machine *m = ml_pool_take(t->pool);
  if (m == NULL) return NULL;
  memset(m, 0, sizeof *m);
  ml_machine_prepare(m, memory_limit, ml_keyed(seed, 0));
  m->pool = t->pool;
  char *base = (char *)(m + 1);
  memcpy(base, t->image, t->bytes);
  uintptr_t *word = (uintptr_t *)base;
  const uint32_t *inner = t->inner;
  size_t inner_count = t->inner_count;
  // Two in five words: the loop's own instructions would be more than the work.
#pragma clang loop unroll_count(8)
  for (size_t i = 0; i < inner_count; i++) word[inner[i]] += (uintptr_t)base;
  for (size_t i = 0; i < t->owner_count; i++) word[t->owner[i]] = (uintptr_t)m;
  ml_arena *a = &m->arena;
  a->forked = base;
  a->forked_end = a->next = base + t->bytes;
  a->end = a->next + FORK_SLACK_BYTES;
  m->state = (lua_State *)(base + t->state);
  atomic_store_explicit(&m->used, t->lua_bytes, memory_order_relaxed);
  if (t->random != 0) {
    uint64_t *random = (uint64_t *)(base + t->random);
    for (uint64_t i = 0; i < 4; i++) random[i] = ml_keyed(seed, i + 1);
  }
  return m;
}
