// Userdata with a class: the first word is the class's key.
//
// Scripts make no userdata and cannot change one's metatable, so the word says as much as the
// metatable, for two calls instead of five.

#include "machine.h"

static ml_class_maker class_maker;

void ml_set_class_maker(ml_class_maker maker) { class_maker = maker; }

void *ml_push_userdata(lua_State *L, const void *key, size_t bytes, int32_t values) {
  const void **block = lua_newuserdatauv(L, sizeof *block + bytes, values);
  *block = key;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE && class_maker != NULL) {
    lua_pop(L, 1);
    class_maker(L, key);
  }
  lua_setmetatable(L, -2);
  return block + 1;
}

void *ml_test_userdata(lua_State *L, int32_t index, const void *key) {
  if (lua_type(L, index) != LUA_TUSERDATA) return NULL;
  const void **block = lua_touserdata(L, index);
  return *block == key ? (void *)(block + 1) : NULL;
}

bool ml_metatable(lua_State *L, const void *key, const char *name) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return false;
  lua_pop(L, 1);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  return true;
}
