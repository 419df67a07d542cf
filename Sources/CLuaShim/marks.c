// Which tables are JSON arrays and which objects: their metatable says it.

#include "machine.h"

// The address under which the metatable of a marked table keeps its mark, out of scripts' reach.
static const char mark_key;

void ml_push_mark_class(lua_State *L, const void *key, int32_t mark) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 3);
  ml_hide_metatable(L);
  lua_pushinteger(L, mark);
  lua_rawsetp(L, -2, &mark_key);
  ml_add_message_call(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

int32_t ml_mark_of(lua_State *L, int32_t index) {
  if (!lua_getmetatable(L, index)) return 0;
  lua_rawgetp(L, -1, &mark_key);
  int32_t mark = (int32_t)lua_tointeger(L, -1);
  lua_pop(L, 2);
  return mark;
}
