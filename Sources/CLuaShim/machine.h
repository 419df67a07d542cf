// What the C files share: the two structs and the jump.
#pragma once

#include "include/moonlet_shim.h"
#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#define ML_CLASS_BYTES 16
#define ML_SMALL_MAX 1024
#define ML_CLASSES (ML_SMALL_MAX / ML_CLASS_BYTES + 1)

// A block over ML_SMALL_MAX bytes: from malloc, on the machine's list.
typedef struct ml_big {
  struct ml_big *next, *prev;
} ml_big;

// A piece of memory that small blocks are cut from.
typedef struct ml_chunk {
  struct ml_chunk *next;
  size_t size;
} ml_chunk;

typedef struct {
  char *region;                // a template's: everything is cut from it, big blocks too
  char *forked, *forked_end;   // what a fork copied: its big blocks came without a header
  char *next, *end;            // the open part of the newest chunk
  ml_chunk *chunks;            // newest first
  ml_big big;                  // head of the ring of big blocks
  void *free[ML_CLASSES];      // freed small blocks by size class
} ml_arena;

struct ml_machine {
  lua_State *state;            // the main thread: owns the registry; runs no code itself
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

void *ml_allocator(void *ud, void *block, size_t old_size, size_t new_size);
void ml_arena_open(ml_arena *a);
void ml_arena_drop(ml_arena *a);

// Makes a machine that cuts all its blocks from `region` as long as it lasts (NULL: from the system).
ml_machine *ml_machine_new_in(char *region, size_t region_bytes, size_t memory_limit);

// What a C function does that stands for a Swift body: calls it and carries out what it answers.
int ml_call_body(lua_State *L, ml_body body);

// Whether `bytes` of the running thread's stack are left.
bool ml_has_stack(const ml_machine *m, size_t bytes);

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
