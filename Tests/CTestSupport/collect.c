#include "include/test_support.h"
#include <lua5.4/lauxlib.h>

// collectgarbage(option [, argument]) for the options that change what the collector does.
static int collect(lua_State *L) {
  static const char *const names[] = {"collect", "step", "generational", "incremental", NULL};
  switch (luaL_checkoption(L, 1, "collect", names)) {
    case 0: lua_gc(L, LUA_GCCOLLECT); break;
    case 1: lua_gc(L, LUA_GCSTEP, (int)luaL_optinteger(L, 2, 0)); break;
    case 2: lua_gc(L, LUA_GCGEN, 0, 0); break;
    default: lua_gc(L, LUA_GCINC, 0, 0, 0); break;
  }
  return 0;
}

void test_open_collectgarbage(lua_State *L) {
  lua_pushcfunction(L, collect);
  lua_setglobal(L, "collectgarbage");
}
