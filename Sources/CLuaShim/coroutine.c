// Our own `coroutine` library.
//
// Like the stock one (manual 6.2), with three differences. A suspension of the whole fiber (a
// blocking call, a preemption) passes through `resume` and `wrap` outward to the worker and comes
// back in by continuations; only the script's own `yield` stops at the resumer. The innermost
// running thread is recorded, so that a signal hooks the right one. `close` has a bounded depth:
// nested closes overflow the C stack of the stock library.

#include "machine.h"

#define CLOSE_DEPTH_MAX 100
// Lua counts the C calls of a coroutine being closed from zero: 200 of them, of 2.5 KiB at most,
// must still fit.
#define CLOSE_STACK_BYTES ((size_t)1 << 20)

static lua_State *get_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

typedef enum { CO_RUNNING, CO_DEAD, CO_SUSPENDED, CO_NORMAL } co_state;

static const char *const state_names[] = {"running", "dead", "suspended", "normal"};

static co_state state_of(lua_State *L, lua_State *co) {
  if (L == co) return CO_RUNNING;
  switch (lua_status(co)) {
    // One that waits in a suspended fiber is active, in a chain that does not run now: normal.
    case LUA_YIELD: return ml_is_suspended(co) ? CO_NORMAL : CO_SUSPENDED;
    case LUA_OK: {
      lua_Debug ar;
      if (lua_getstack(co, 0, &ar)) return CO_NORMAL;
      return lua_gettop(co) == 0 ? CO_DEAD : CO_SUSPENDED;
    }
    default: return CO_DEAD;
  }
}

static int resume_k(lua_State *L, int status, lua_KContext context);
static int wrap_k(lua_State *L, int status, lua_KContext context);

// Runs `co` with `arguments` values on its stack. Returns how many results it left there, or -1
// with the error value on top of `co`; or does not return: the whole chain is being suspended, and
// `continuation` will call this again.
static int run(lua_State *L, lua_State *co, int arguments, lua_KFunction continuation) {
  ml_machine *m = ml_get(L);
  bool can_yield = lua_isyieldable(L);
  int count = 0;
  m->yielding = 0;
  m->current = co;
  ml_mark_suspended(co, false);
  if (!can_yield) m->pinned += 1;
  int status = lua_resume(co, L, arguments, &count);
  if (!can_yield) m->pinned -= 1;
  m->current = L;
  if (status == LUA_YIELD && m->yielding != 0) {
    // Only a chain that can be suspended whole is (ml_can_block), so L can yield here.
    ml_mark_suspended(co, true);
    return lua_yieldk(L, 0, (lua_KContext)co, continuation);
  }
  if (status == LUA_OK || status == LUA_YIELD) return count;
  return -1;
}

static int start(lua_State *L, lua_State *co, int arguments, lua_KFunction continuation) {
  co_state state = state_of(L, co);
  if (state != CO_SUSPENDED) {
    lua_pushfstring(
        L, "cannot resume %s coroutine", state == CO_DEAD ? "dead" : "non-suspended");
    return -2;
  }
  if (!lua_checkstack(co, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -2;
  }
  lua_xmove(L, co, arguments);
  return run(L, co, arguments, continuation);
}

// Moves `count` results from `co` to L; returns false with a message when they don't fit.
static bool bring(lua_State *L, lua_State *co, int count) {
  if (!lua_checkstack(L, count + 1)) {
    lua_pop(co, count);
    lua_pushliteral(L, "too many results to resume");
    return false;
  }
  lua_xmove(co, L, count);
  return true;
}

static int finish_resume(lua_State *L, lua_State *co, int count) {
  if (count >= 0 && bring(L, co, count)) {
    lua_pushboolean(L, 1);
    lua_insert(L, -(count + 1));
    return count + 1;
  }
  if (count == -1) lua_xmove(co, L, 1);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int resume_k(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_State *co = (lua_State *)context;
  return finish_resume(L, co, run(L, co, 0, resume_k));
}

static int co_resume(lua_State *L) {
  lua_State *co = get_coroutine(L);
  return finish_resume(L, co, start(L, co, lua_gettop(L) - 1, resume_k));
}

static int close_thread(lua_State *L, lua_State *co);

static int finish_wrap(lua_State *L, lua_State *co, int count) {
  if (count >= 0 && bring(L, co, count)) return count;
  if (count == -1) {
    int status = lua_status(co);
    // Otherwise it could not even be resumed (C stack overflow), and stays as it was.
    if (status != LUA_OK && status != LUA_YIELD) close_thread(L, co);  // its __close variables
    lua_xmove(co, L, 1);
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrap_k(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_State *co = (lua_State *)context;
  return finish_wrap(L, co, run(L, co, 0, wrap_k));
}

static int call_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  return finish_wrap(L, co, start(L, co, lua_gettop(L), wrap_k));
}

static int co_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int co_wrap(lua_State *L) {
  co_create(L);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

static int after_yield(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

// In a fiber's own thread there is no resumer to yield to: it lets the other fibers run.
static int co_yield(lua_State *L) {
  ml_machine *m = ml_get(L);
  if (L == m->fiber) {
    if (!ml_can_block(L)) return luaL_error(L, "attempt to yield across a C-call boundary");
    m->yielding = ML_RELEASED;
    return lua_yieldk(L, 0, 0, after_yield);
  }
  m->yielding = 0;
  return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L) {
  lua_pushstring(L, state_names[state_of(L, get_coroutine(L))]);
  return 1;
}

static int co_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, L == ml_get(L)->fiber);
  return 2;
}

static int co_isyieldable(lua_State *L) {
  lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, lua_isyieldable(co));
  return 1;
}

// Closes `co` with hooks on it and nothing able to yield; its error, if any, is left on its stack.
static int close_thread(lua_State *L, lua_State *co) {
  ml_machine *m = ml_get(L);
  if (m->close_depth >= CLOSE_DEPTH_MAX)
    return luaL_error(L, "coroutine.close nested more than %d deep", CLOSE_DEPTH_MAX);
  if (!ml_has_stack(m, CLOSE_STACK_BYTES)) return luaL_error(L, "coroutine.close nested too deep");
  m->close_depth += 1;
  m->pinned += 1;
  m->current = co;
  int status = lua_resetthread(co);
  m->current = L;
  m->pinned -= 1;
  m->close_depth -= 1;
  return status;
}

static int co_close(lua_State *L) {
  lua_State *co = get_coroutine(L);
  co_state state = state_of(L, co);
  if (state != CO_DEAD && state != CO_SUSPENDED)
    return luaL_error(L, "cannot close a %s coroutine", state_names[state]);
  if (close_thread(L, co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

int ml_open_coroutine(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"create", co_create},   {"resume", co_resume},   {"running", co_running},
      {"status", co_status},   {"wrap", co_wrap},       {"yield", co_yield},
      {"isyieldable", co_isyieldable}, {"close", co_close}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
