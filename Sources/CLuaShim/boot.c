// The first code of every process: runs the libraries, the chunk, and then its method.
//
// All of these may block, so what comes after each is a continuation. What it needs it reads before
// any code of the app runs.

#include "machine.h"

// What StateBuilder.swift puts on the fiber's stack. The process's own arguments follow.
enum {
  CHUNK = 1,
  METHOD,     // its name
  ALIASES,    // of the chunk: name to library number
  LIBRARIES,  // each {chunk, aliases, environment}
  GIVEN = LIBRARIES,
  // What boot puts behind them.
  VALUES,     // what each library returned
  REQUIRE,
  PLACES = REQUIRE,
};
enum { LIBRARY_CHUNK = 1, LIBRARY_ALIASES, LIBRARY_ENVIRONMENT };

// `require` for a chunk with imports. Upvalues: them by name, and the global function.
static int require_import(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  lua_settop(L, 1);
  return lua_tocfunction(L, lua_upvalueindex(2))(L);
}

// Sets the imports of a chunk in its environment: `aliases` and `environment` are stack indices.
static void give(lua_State *L, int aliases, int environment) {
  lua_pushnil(L);
  if (!lua_next(L, aliases)) return;
  lua_pop(L, 2);
  lua_newtable(L);
  int own = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, aliases); lua_pop(L, 1)) {
    lua_rawgeti(L, VALUES, lua_tointeger(L, -1));
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -2);
    lua_rawset(L, own);
    lua_pushvalue(L, -3);
    lua_insert(L, -2);
    lua_rawset(L, environment);
  }
  if (lua_iscfunction(L, REQUIRE)) {  // else no source can name it
    lua_pushliteral(L, "require");
    lua_pushvalue(L, own);
    lua_pushvalue(L, REQUIRE);
    lua_pushcclosure(L, require_import, 2);
    lua_rawset(L, environment);
  }
  lua_settop(L, own - 1);
}

static int after_main(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L);
}

// The method is on top.
static int call_main(lua_State *L) {
  if (!lua_isfunction(L, -1)) {
    lua_pushliteral(L, "method \"");
    lua_pushvalue(L, METHOD);
    lua_pushliteral(L, "\" not found in module");
    lua_concat(L, 3);
    return lua_error(L);
  }
  // Main takes the chunk's place, and its arguments follow: nothing else is kept alive.
  lua_replace(L, CHUNK);
  lua_rotate(L, METHOD, CHUNK - PLACES);
  lua_settop(L, CHUNK - PLACES - 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, after_main);
  return after_main(L, LUA_OK, 0);
}

static int after_index(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return call_main(L);
}

// How many tables Lua itself looks at for one field (MAXTAGLOOP).
#define INDEX_CHAIN_MAX 2000

// Replaces the table on top by `table[method]`. A function for __index may block.
static int find_method(lua_State *L) {
  for (int looks = 0; lua_istable(L, -1); looks++) {
    if (looks == INDEX_CHAIN_MAX) return luaL_error(L, "'__index' chain too long; possibly a loop");
    lua_pushvalue(L, METHOD);
    int kind = lua_rawget(L, -2);
    if (kind == LUA_TNIL) {
      lua_pop(L, 1);
      kind = luaL_getmetafield(L, -1, "__index");
      if (kind == LUA_TFUNCTION) {
        lua_insert(L, -2);
        lua_pushvalue(L, METHOD);
        lua_callk(L, 2, 1, 0, after_index);
        return call_main(L);
      }
      if (kind != LUA_TNIL) {
        lua_replace(L, -2);
        continue;
      }
      lua_pushnil(L);
    }
    lua_replace(L, -2);
    return call_main(L);
  }
  lua_pushvalue(L, METHOD);
  lua_gettable(L, -2);
  lua_replace(L, -2);
  return call_main(L);
}

static int after_chunk(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_istable(L, -1) ? find_method(L) : call_main(L);
}

static int run_chunk(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  give(L, ALIASES, lua_gettop(L));
  lua_pop(L, 1);
  lua_pushvalue(L, CHUNK);
  lua_callk(L, 0, 1, 0, after_chunk);
  return after_chunk(L, LUA_OK, 0);
}

static int after_library(lua_State *L, int status, lua_KContext number);

static int run_library(lua_State *L, lua_Integer number) {
  if (lua_rawgeti(L, LIBRARIES, number) == LUA_TNIL) {
    lua_pop(L, 1);
    return run_chunk(L);
  }
  int library = lua_gettop(L);
  lua_rawgeti(L, library, LIBRARY_ALIASES);
  lua_rawgeti(L, library, LIBRARY_ENVIRONMENT);
  give(L, library + 1, library + 2);
  lua_rawgeti(L, library, LIBRARY_CHUNK);
  lua_replace(L, library);
  lua_settop(L, library);
  lua_callk(L, 0, 1, (lua_KContext)number, after_library);
  return after_library(L, LUA_OK, (lua_KContext)number);
}

static int after_library(lua_State *L, int status, lua_KContext number) {
  (void)status;
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_rawseti(L, VALUES, (lua_Integer)number);
  return run_library(L, (lua_Integer)number + 1);
}

static int boot(lua_State *L) {
  lua_newtable(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pushliteral(L, "require");
  lua_rawget(L, -2);
  lua_remove(L, -2);
  lua_rotate(L, GIVEN + 1, PLACES - GIVEN);
  return run_library(L, 1);
}

void ml_push_boot(lua_State *L) { lua_pushcfunction(L, boot); }
