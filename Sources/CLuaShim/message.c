// `msg:payload()` beside `msg.payload`: values that answer a call with themselves when their Message
// is the caller (SEMANTICS 6, "Message").

#include "machine.h"

// The error Lua itself raises for a call of something that can't be called, word for word.
static int not_callable(lua_State *L) {
  lua_Debug ar;
  const char *kind = luaL_typename(L, 1);
  luaL_where(L, 1);
  if (lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name != NULL && *ar.namewhat != 0)
    lua_pushfstring(L, "attempt to call a %s value (%s '%s')", kind, ar.namewhat, ar.name);
  else
    lua_pushfstring(L, "attempt to call a %s value", kind);
  lua_concat(L, 2);
  return lua_error(L);
}

// Stack: the value called, then the arguments. Upvalue 1: the Message class's key.
static int call_value(lua_State *L) {
  const void *message = lua_touserdata(L, lua_upvalueindex(1));
  if (lua_gettop(L) < 2 || ml_test_userdata(L, 2, message) == NULL) return not_callable(L);
  for (int i = 1; i <= 3; i++) {
    lua_getiuservalue(L, 2, i);
    bool same = lua_rawequal(L, 1, -1);
    lua_pop(L, 1);
    if (same) {
      lua_settop(L, 1);
      return 1;
    }
  }
  return not_callable(L);
}

static void push_call(lua_State *L, const void *message) {
  lua_pushlightuserdata(L, (void *)message);
  lua_pushcclosure(L, call_value, 1);
}

// Gives the kind of value on top a metatable with __call; pops the value.
static void give_call(lua_State *L, const void *message) {
  if (!lua_getmetatable(L, -1)) {
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  push_call(L, message);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void ml_open_message_calls(
    lua_State *L, const void *message, const void *plain, const void *array, const void *object) {
  lua_pushnil(L);
  give_call(L, message);
  lua_pushboolean(L, 1);
  give_call(L, message);
  lua_pushinteger(L, 1);
  give_call(L, message);
  lua_pushliteral(L, "");
  give_call(L, message);
  const void *classes[] = {plain, array, object};
  for (int i = 0; i < 3; i++) {
    lua_createtable(L, 0, 1);
    push_call(L, message);
    lua_setfield(L, -2, "__call");
    lua_rawsetp(L, LUA_REGISTRYINDEX, classes[i]);
  }
}

void ml_set_environment(lua_State *L, int32_t index) {
  if (lua_setupvalue(L, index, 1) == NULL) lua_pop(L, 1);
}
