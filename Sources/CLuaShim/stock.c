// Lua's own functions by name.
//
// Those of `base` and `string` are light C functions, the same in every state. They are looked up once,
// in a state of their own that stays, so that a state can be given just those its program can name.

#include "machine.h"
#include <stdlib.h>
#include <string.h>

static pthread_once_t looked_up = PTHREAD_ONCE_INIT;
static ml_stock stock;

// Notes the functions of the table on top; pops it.
static void note(lua_State *L, ml_functions *into) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_CFunction function = lua_tocfunction(L, -1);
    if (function == NULL) continue;
    if (into->count == ML_FUNCTIONS_MAX || lua_getupvalue(L, -1, 1) != NULL) abort();  // other Lua
    into->list[into->count++] = (luaL_Reg){lua_tostring(L, -2), function};
  }
  lua_pop(L, 1);
}

static void look_up(void) {
  lua_State *L = luaL_newstate();
  if (L == NULL) abort();
  luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
  note(L, &stock.base);
  luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
  note(L, &stock.string);
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  note(L, &stock.string_operators);
}

const ml_stock *ml_stock_functions(void) {
  pthread_once(&looked_up, look_up);
  return &stock;
}

lua_CFunction ml_function_named(const ml_functions *functions, const char *name) {
  for (int i = 0; i < functions->count; i++)
    if (strcmp(functions->list[i].name, name) == 0) return functions->list[i].func;
  return NULL;
}

void ml_push_stock_next(lua_State *L) {
  lua_pushcfunction(L, ml_function_named(&ml_stock_functions()->base, "next"));
}
