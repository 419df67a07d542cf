// `msg:payload()` beside `msg.payload`: values that answer a call with themselves when their Message
// is the caller (SEMANTICS 6, "Message").

#include "machine.h"
#include <string.h>

// The key of the Message class, the same for all machines; and who knows how a sender reads.
static _Atomic(const void *) message_class;
static ml_sender_text sender_text;

void ml_set_sender_text(ml_sender_text writer) { sender_text = writer; }

static ml_message *to_message(lua_State *L, int index) {
  return ml_test_userdata(
      L, index, atomic_load_explicit(&message_class, memory_order_relaxed));
}

// A sender is written out only when a script asks for it: most never do.
static void push_sender(lua_State *L, const ml_message *message) {
  if (message->sender == 0 || sender_text == NULL) {
    lua_pushnil(L);
    return;
  }
  ml_machine *m = ml_get(L);
  m->host += 1;
  sender_text(L, m->context, message->sender);
  m->host -= 1;
}

static void push_field(lua_State *L, int index, const ml_message *message, int field) {
  if (field == 3) push_sender(L, message);
  else lua_getiuservalue(L, index, field);
}

// Stack: the Message, the field's name.
static int message_index(lua_State *L) {
  static const struct {
    const char *name;
    size_t length;
  } fields[] = {{"payload", 7}, {"topic", 5}, {"from", 4}};
  const ml_message *message = to_message(L, 1);
  if (message == NULL) return luaL_typeerror(L, 1, "message");
  if (lua_type(L, 2) == LUA_TSTRING) {
    size_t length;
    const char *name = lua_tolstring(L, 2, &length);
    for (int i = 0; i < 3; i++) {
      if (length != fields[i].length || memcmp(name, fields[i].name, length) != 0) continue;
      push_field(L, 1, message, i + 1);
      return 1;
    }
  }
  lua_pushnil(L);
  return 1;
}

void ml_push_message_index(lua_State *L, const void *key) {
  atomic_store_explicit(&message_class, key, memory_order_relaxed);
  lua_pushcfunction(L, message_index);
}

// The error Lua itself raises for a call of something that can't be called, word for word.
static int not_callable(lua_State *L) {
  lua_Debug ar;
  const char *kind = luaL_getmetafield(L, 1, "__name") == LUA_TSTRING ? lua_tostring(L, -1)
                                                                     : luaL_typename(L, 1);
  luaL_where(L, 1);
  if (lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name != NULL && *ar.namewhat != 0)
    lua_pushfstring(L, "attempt to call a %s value (%s '%s')", kind, ar.namewhat, ar.name);
  else
    lua_pushfstring(L, "attempt to call a %s value", kind);
  lua_concat(L, 2);
  return lua_error(L);
}

// Whether the call is written as a method that a Message does not have, as in `msg:reply()`: then
// the nil that was found must not pass for a field that is nil.
static bool is_unknown_method(lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 0, &ar) || !lua_getinfo(L, "n", &ar) || ar.name == NULL) return false;
  return strcmp(ar.namewhat, "method") == 0 && strcmp(ar.name, "payload") != 0
         && strcmp(ar.name, "topic") != 0 && strcmp(ar.name, "from") != 0;
}

static bool is_same(lua_State *L, int one, int other) {
  if (lua_rawequal(L, one, other)) return true;
  // NaN is not equal to itself, but it is the payload all the same.
  return lua_type(L, one) == LUA_TNUMBER && lua_type(L, other) == LUA_TNUMBER
         && !lua_rawequal(L, one, one) && !lua_rawequal(L, other, other);
}

// Stack: the value called, then the arguments.
static int call_value(lua_State *L) {
  const ml_message *message = lua_gettop(L) < 2 ? NULL : to_message(L, 2);
  if (message == NULL) return not_callable(L);
  if (lua_isnil(L, 1) && is_unknown_method(L)) return not_callable(L);
  for (int i = 1; i <= 3; i++) {
    push_field(L, 2, message, i);
    bool same = is_same(L, 1, -1);
    lua_pop(L, 1);
    if (same) {
      lua_settop(L, 1);
      return 1;
    }
  }
  return not_callable(L);
}

// Sets the __call of the metatable on top, which stays.
static void set_call(lua_State *L) {
  lua_pushcfunction(L, call_value);
  lua_setfield(L, -2, "__call");
}

// Pushes a metatable with nothing but that.
static void push_class(lua_State *L) {
  lua_createtable(L, 0, 2);
  ml_hide_metatable(L);
  set_call(L);
}

void ml_open_message_calls(lua_State *L, const void *plain) {
  push_class(L);
  int shared = lua_gettop(L);
  lua_pushnil(L);
  lua_pushboolean(L, 1);
  lua_pushinteger(L, 1);
  lua_pushlightuserdata(L, NULL);
  while (lua_gettop(L) > shared) {
    lua_pushvalue(L, shared);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
  }
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  set_call(L);
  lua_pop(L, 3);
  push_class(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, plain);
}

void ml_add_message_call(lua_State *L) {
  lua_pushnil(L);
  bool opened = lua_getmetatable(L, -1);
  lua_pop(L, opened ? 2 : 1);
  if (opened) set_call(L);
}
