// Machines, workers, the guarded entry, and the two ways into it from outside: preempt and kill.

#define _GNU_SOURCE
#include "machine.h"
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

// Named by lua_text.ld. Weak: without that script native kills are off and only hooks kill.
extern char ml_lua_text_start[] __attribute__((weak));
extern char ml_lua_text_end[] __attribute__((weak));

static _Thread_local ml_worker *this_worker;

// ---- Machines -------------------------------------------------------------------------------

static int on_panic(lua_State *L) {
  (void)L;
  abort();  // an unprotected raising call: our own broken invariant
}

static void no_warnings(void *ud, const char *text, int more) {
  (void)ud, (void)text, (void)more;
}

static size_t soft_limit(size_t limit) { return limit - limit / 4; }

void ml_machine_prepare(ml_machine *m, size_t memory_limit, uint64_t secret) {
  ml_arena_open(&m->arena);
  m->limit = memory_limit;
  m->collect_at = soft_limit(memory_limit);
  m->host = 1;  // whoever builds it is host code
  m->secret = secret;
}

ml_machine *ml_machine_new_in(ml_region *region, size_t memory_limit) {
  ml_machine *m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  ml_machine_prepare(m, memory_limit, 0);
  if (region != NULL) {
    m->arena.region = region;
    m->arena.next = region->base;
    m->arena.end = region->base + region->bytes;
  }
  m->state = lua_newstate(ml_allocator, m);
  if (m->state == NULL) {
    free(m);
    return NULL;
  }
  *(ml_machine **)lua_getextraspace(m->state) = m;
  lua_atpanic(m->state, on_panic);
  lua_setwarnf(m->state, no_warnings, NULL);
  return m;
}

ml_machine *ml_machine_new(size_t memory_limit, uint64_t seed) {
  ml_machine *m = ml_machine_new_in(NULL, memory_limit);
  if (m != NULL) m->secret = ml_keyed(seed, 0);
  return m;
}

void ml_machine_discard(ml_machine *m) {
  m->state = NULL;
  ml_arena_drop(&m->arena);
}

void ml_machine_free(ml_machine *m) {
  ml_arena_drop(&m->arena);
  if (m->pool != NULL) ml_pool_give(m->pool, m);
  else free(m);
}

lua_State *ml_machine_state(const ml_machine *m) { return m->state; }
ml_machine *ml_machine_of(lua_State *L) { return ml_get(L); }
void ml_machine_set_context(ml_machine *m, void *context) { m->context = context; }
size_t ml_machine_memory(const ml_machine *m) {
  return atomic_load_explicit(&m->used, memory_order_relaxed);
}
bool ml_machine_is_over(const ml_machine *m) { return ml_machine_memory(m) > m->limit; }
void ml_machine_kill(ml_machine *m) {
  // Release: pairs with the acquire loads below, so that what the killer wrote before is seen.
  atomic_store_explicit(&m->kill, 1, memory_order_release);
}
int32_t ml_machine_death(const ml_machine *m) { return m->death; }
void ml_machine_exhaust(ml_machine *m) { m->exhausted = true; }
void ml_set_arg(ml_machine *m, int32_t index) { m->arg = index; }
void ml_block(ml_machine *m, ml_body continuation) { m->continuation = continuation; }

bool ml_can_block(lua_State *L) { return ml_get(L)->pinned == 0 && lua_isyieldable(L); }

static inline bool killed(ml_machine *m) {
  return atomic_load_explicit(&m->kill, memory_order_acquire) != 0;
}

// ---- The guarded entry ----------------------------------------------------------------------

_Noreturn void ml_die(ml_machine *m, int why) {
  ml_worker *w = m->worker;
  m->death = why;
  w->armed = 0;
  siglongjmp(w->landing, 1);
}

// The serial has one writer, the worker's own thread. Release: pairs with the acquire load in
// ml_worker_serial; what the pool wrote of the run before it began is seen with its number.
static void begin_or_end_run(ml_worker *w) {
  uint64_t serial = atomic_load_explicit(&w->serial, memory_order_relaxed);
  atomic_store_explicit(&w->serial, serial + 1, memory_order_release);
}

int32_t ml_resume(ml_machine *m, lua_State *fiber, int32_t arguments, int32_t *results) {
  ml_worker *w = this_worker;
  if (w == NULL) abort();  // only workers run Lua
  *results = 0;
  if (killed(m)) {
    m->death = ML_DEATH_KILLED;
    return ML_DIED;
  }
  m->worker = w;
  m->fiber = fiber;
  m->current = fiber;
  m->yielding = 0;
  m->pinned = 0;
  w->running = m;
  ml_mark_suspended(fiber, false);
  if (m->collection_due) lua_sethook(fiber, ml_hook, LUA_MASKCOUNT, 1);
  int32_t outcome;
  if (sigsetjmp(w->landing, 0) == 0) {
    begin_or_end_run(w);
    m->host = 0;
    atomic_signal_fence(memory_order_seq_cst);
    w->armed = 1;
    int count = 0;
    int status = lua_resume(fiber, NULL, arguments, &count);
    w->armed = 0;
    atomic_signal_fence(memory_order_seq_cst);
    *results = count;
    if (status == LUA_OK) outcome = ML_ENDED;
    else if (status != LUA_YIELD) outcome = ML_FAILED;
    else {
      outcome = m->yielding != 0 ? m->yielding : ML_FAILED;
      ml_mark_suspended(fiber, true);
    }
  } else {
    outcome = ML_DIED;
  }
  m->host = 1;
  m->worker = NULL;
  m->current = NULL;
  w->running = NULL;
  begin_or_end_run(w);
  return outcome;
}

// ---- Preemption and kill --------------------------------------------------------------------

void ml_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);  // one shot: threads made meanwhile inherit it, and clear it here too
  ml_machine *m = ml_get(L);
  ml_worker *w = m->worker;
  if (w == NULL || m->host != 0) return;
  if (killed(m)) ml_die(m, ML_DEATH_KILLED);
  if (m->collection_due) {
    lua_gc(L, LUA_GCCOLLECT);
    m->collection_due = false;
    size_t used = ml_machine_memory(m);
    size_t half_way = used + (m->limit > used ? (m->limit - used) / 2 : 0);
    m->collect_at = half_way > soft_limit(m->limit) ? half_way : soft_limit(m->limit);
  }
  uint64_t serial = atomic_load_explicit(&w->serial, memory_order_relaxed);
  if (atomic_load_explicit(&w->wanted, memory_order_relaxed) != serial) return;
  if (!ml_can_block(L)) return;  // inside table.sort or a metamethod called from C: runs on
  m->yielding = ML_PREEMPTED;
  lua_yield(L, 0);
}

static bool is_lua_text(uintptr_t address) {
  return address >= (uintptr_t)ml_lua_text_start && address < (uintptr_t)ml_lua_text_end;
}

bool ml_knows_lua_text(void) { return ml_lua_text_start != ml_lua_text_end; }

// Whether the interrupted code is liblua's own, or a leaf of libc called from it (then the word at
// the stack pointer is the return address): only there nothing but Lua's own state is half changed.
static bool may_jump(const ucontext_t *c) {
#if defined(__x86_64__)
  uintptr_t pc = (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
  if (is_lua_text(pc)) return true;
  return is_lua_text(*(const uintptr_t *)c->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return is_lua_text((uintptr_t)c->uc_mcontext.pc)
         || is_lua_text((uintptr_t)c->uc_mcontext.regs[30]);
#else
  (void)c;
  return false;
#endif
}

// Leaves the handler by the jump, which does not restore the signal mask: SIGURG is let in again
// first, when a signal that waits finds nothing armed.
_Noreturn static void die_in_handler(ml_worker *w, ml_machine *m) {
  w->armed = 0;
  atomic_signal_fence(memory_order_seq_cst);
  sigset_t urgent;
  sigemptyset(&urgent);
  sigaddset(&urgent, SIGURG);
  pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
  ml_die(m, ML_DEATH_KILLED);
}

// Runs on the thread it interrupts, so plain reads of the worker's own fields are in order; all it
// calls is async-signal-safe (lua_sethook is made for this, as lua.c uses it).
static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ml_worker *w = this_worker;
  if (w == NULL || !w->armed) return;
  // A signal meant for an earlier run must not touch this one. Acquire: pairs with the release store in
  // ml_worker_interrupt.
  if (atomic_load_explicit(&w->wanted, memory_order_acquire)
      != atomic_load_explicit(&w->serial, memory_order_relaxed))
    return;
  ml_machine *m = w->running;
  if (killed(m) && m->host == 0 && !m->in_alloc && may_jump(context)) die_in_handler(w, m);
  lua_State *L = m->current;
  if (L != NULL) lua_sethook(L, ml_hook, LUA_MASKCOUNT, 1);
}

void ml_install_signal_handler(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  // Not NODEFER: signals that come faster than the handler runs would nest to the stack's end.
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGURG, &action, NULL);
}

static char *end_of_stack(void) {
  pthread_attr_t attributes;
  void *lowest = NULL;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) abort();
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return lowest;
}

bool ml_has_stack(const ml_machine *m, size_t bytes) {
  // Not a variable's address: the address sanitizer keeps those elsewhere.
  const char *here = __builtin_frame_address(0);
  return m->worker == NULL || (size_t)(here - m->worker->stack_end) >= bytes;
}

ml_worker *ml_worker_new(void) {
  ml_worker *w = calloc(1, sizeof *w);
  if (w == NULL) abort();
  w->thread = pthread_self();
  w->stack_end = end_of_stack();
  this_worker = w;
  return w;
}

void ml_worker_free(ml_worker *w) {
  if (this_worker == w) this_worker = NULL;
  free(w);
}

// Acquire: pairs with the release store in begin_or_end_run.
uint64_t ml_worker_serial(const ml_worker *w) {
  return atomic_load_explicit(&w->serial, memory_order_acquire);
}

void ml_worker_interrupt(ml_worker *w, uint64_t serial) {
  // Release: pairs with the handler's acquire load.
  atomic_store_explicit(&w->wanted, serial, memory_order_release);
  pthread_kill(w->thread, SIGURG);
}

// ---- Trampolines ----------------------------------------------------------------------------

static int go_on(lua_State *L, int status, lua_KContext context);

// Turns a body's outcome into what Lua asks of a C function. No Swift frame is alive here.
static int finish(lua_State *L, ml_machine *m, int32_t outcome) {
  m->host -= 1;
  if (killed(m) && m->worker != NULL && m->host == 0) ml_die(m, ML_DEATH_KILLED);
  if (m->worker != NULL && m->host == 0 && (m->exhausted || ml_machine_memory(m) > m->limit))
    ml_die(m, ML_DEATH_MEMORY);
  if (outcome >= 0) return outcome;
  switch (outcome) {
    case ML_RAISE_HERE:
      luaL_where(L, 1);
      lua_insert(L, -2);
      lua_concat(L, 2);
      return lua_error(L);
    case ML_RAISE_ARG: return luaL_argerror(L, m->arg, lua_tostring(L, -1));
    case ML_RAISE_TYPE:
      // An argument left out: its place on the stack is where the body put the message.
      if (m->arg >= lua_gettop(L))
        return luaL_argerror(
            L, m->arg, lua_pushfstring(L, "%s expected, got no value", lua_tostring(L, -1)));
      return luaL_typeerror(L, m->arg, lua_tostring(L, -1));
    case ML_BLOCK: {
      ml_body next = m->continuation;
      m->yielding = ML_BLOCKED;
      return lua_yieldk(L, 0, (lua_KContext)next, go_on);
    }
    default: return lua_error(L);
  }
}

int ml_call_body(lua_State *L, ml_body body) {
  ml_machine *m = ml_get(L);
  if (killed(m) && m->worker != NULL && m->host == 0) ml_die(m, ML_DEATH_KILLED);
  m->host += 1;
  return finish(L, m, body(L, m->context));
}

static int go_on(lua_State *L, int status, lua_KContext context) {
  (void)status;
  return ml_call_body(L, (ml_body)context);
}
