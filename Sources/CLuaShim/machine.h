// What the C files share: the two structs and the jump.
#pragma once

#include "include/moonlet_shim.h"
#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#define ML_SMALL_MAX 1024
#define ML_CLASSES 41  // class_of(ML_SMALL_MAX) + 1 (arena.c)

// A block over ML_SMALL_MAX bytes: from malloc, on the machine's list.
typedef struct ml_big {
  struct ml_big *next, *prev;
} ml_big;

// A piece of memory that small blocks are cut from.
typedef struct ml_chunk {
  struct ml_chunk *next;
  size_t size;
} ml_chunk;

// Where a template is built: all its blocks are cut from one mapping.
typedef struct {
  char *base;
  size_t bytes;
  uint32_t *sizes;             // bytes of the block that begins at each ML_GRAIN bytes; 0: none does
} ml_region;

#define ML_GRAIN 8             // every block's size and address is a multiple of it

typedef struct {
  ml_region *region;           // a template's
  char *forked, *forked_end;   // what a fork copied: its big blocks came without a header
  char *next, *end;            // the open part of the newest chunk, or of a fork's cell
  ml_chunk *chunks;            // newest first
  ml_big big;                  // head of the ring of big blocks
  void *free[ML_CLASSES];      // freed small blocks by size class
} ml_arena;

typedef struct ml_pool ml_pool;

struct ml_machine {
  lua_State *state;            // the main thread: owns the registry, and is the main fiber
  lua_State *fiber;            // the fiber being run, by its own thread
  lua_State *volatile current; // the innermost coroutine running: what a signal hooks
  void *context;               // Swift's
  ml_worker *worker;           // who runs it now
  ml_body continuation;        // set by ml_block
  _Atomic size_t used;         // bytes; written by the owner only, read by anyone
  size_t limit;                // bytes
  size_t collect_at;           // bytes: over this a full collection is asked for
  bool collection_due;         // asked for; done by the next hook
  bool exhausted;              // dies of memory when no host code runs any more
  volatile int host;           // >0 while host code runs: memory is granted, signals don't jump
  int pinned;                  // >0 inside a coroutine resumed from where nothing can yield
  int close_depth;             // nested coroutine.close
  int yielding;                // why the chain is being suspended: 0 = the script's own yield
  int32_t arg;                 // for ML_RAISE_ARG
  volatile sig_atomic_t in_alloc;
  _Atomic int kill;            // set by any thread; read by the owner
  int death;
  uint64_t secret;             // for opaque ids in tostring, and the seed of math.random
  uint64_t seedings;           // numbers math.randomseed chose for itself
  ml_pool *pool;               // where a fork's cell came from: the machine is at its start
  ml_arena arena;
};

struct ml_worker {
  sigjmp_buf landing;          // the only place a kill lands: in ml_resume
  ml_machine *volatile running;
  volatile sig_atomic_t armed; // landing is valid
  _Atomic uint64_t serial;     // odd while Lua runs
  _Atomic uint64_t wanted;     // the run to interrupt
  pthread_t thread;
  char *stack_end;             // the lowest address of the thread's stack
};

// Leaves the machine for good. Only with no Swift frame between here and ml_resume.
_Noreturn void ml_die(ml_machine *m, int why);

// In debug builds nothing can be read from a block before it is written or after it was given back
// (ForkSoundnessTests).
static inline void ml_spoil(void *block, size_t bytes) {
#ifdef DEBUG
  memset(block, 0xDD, bytes);
#else
  (void)block, (void)bytes;
#endif
}

void *ml_allocator(void *ud, void *block, size_t old_size, size_t new_size);
void ml_arena_open(ml_arena *a);
void ml_arena_drop(ml_arena *a);

// Makes a machine that cuts its blocks from `region` as long as it lasts (NULL: from the system).
ml_machine *ml_machine_new_in(ml_region *region, size_t memory_limit);

// Sets what a machine without a state begins with; all else is zero.
void ml_machine_prepare(ml_machine *m, size_t memory_limit, uint64_t secret);

// A source of cells of one size, for the forks of one template (pool.c). Any thread.
ml_pool *ml_pool_new(size_t cell_bytes);
void *ml_pool_take(ml_pool *p);  // NULL: no memory
void ml_pool_give(ml_pool *p, void *cell);
// No more cells will be taken: the pool goes with the last that is given back.
void ml_pool_close(ml_pool *p);

// What a C function does that stands for a Swift body: calls it and carries out what it answers.
int ml_call_body(lua_State *L, ml_body body);

// Whether `bytes` of the running thread's stack are left.
bool ml_has_stack(const ml_machine *m, size_t bytes);

// Lua's own functions that need no state of theirs (stock.c).
#define ML_FUNCTIONS_MAX 32
typedef struct {
  luaL_Reg list[ML_FUNCTIONS_MAX];
  int count;
} ml_functions;
typedef struct {
  ml_functions base, string, string_operators;
} ml_stock;
const ml_stock *ml_stock_functions(void);
lua_CFunction ml_function_named(const ml_functions *functions, const char *name);  // NULL: none

// Random bits for (a, b), the same as long as the server runs.
uint64_t ml_keyed(uint64_t a, uint64_t b);

// The count hook armed by a signal: yields, collects or dies.
void ml_hook(lua_State *L, lua_Debug *ar);

// A thread's extra space holds its machine, and in the lowest bit whether the thread waits inside a
// suspended fiber: then only the scheduler may go on with it, whatever coroutine.status might say
// of a thread that yielded. New threads copy the main thread's, where the bit is never set.
#define ML_SUSPENDED ((uintptr_t)1)

static inline uintptr_t *ml_extra(lua_State *L) { return lua_getextraspace(L); }
static inline ml_machine *ml_get(lua_State *L) {
  return (ml_machine *)(*ml_extra(L) & ~ML_SUSPENDED);
}
static inline bool ml_is_suspended(lua_State *L) { return (*ml_extra(L) & ML_SUSPENDED) != 0; }
static inline void ml_mark_suspended(lua_State *L, bool suspended) {
  *ml_extra(L) = (*ml_extra(L) & ~ML_SUSPENDED) | (suspended ? ML_SUSPENDED : 0);
}

// Marks a metatable that getmetatable must not show. Stack: the metatable on top stays.
void ml_hide_metatable(lua_State *L);

int ml_open_coroutine(lua_State *L);
const char *ml_tolstring(lua_State *L, int index, size_t *length);
