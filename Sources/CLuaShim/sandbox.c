// The standard library a script sees: Lua's own where it is harmless, ours where it is not
// (SEMANTICS 9). No addresses get out, strings' metatable is closed, finalizers are refused, and
// string functions take error objects as text.

#include "machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ml_print_sink print_sink;
static ml_text_of_userdata text_of_userdata;

void ml_set_print_sink(ml_print_sink sink) { print_sink = sink; }
void ml_set_text_of_userdata(ml_text_of_userdata reader) { text_of_userdata = reader; }

// Which names a program can use.
typedef struct {
  ml_mentions mentions;  // NULL: all
  const void *words;
} wanted_names;

static bool is_wanted(const wanted_names *wanted, const char *name) {
  return wanted->mentions == NULL || wanted->mentions(wanted->words, name);
}

// ---- Text of values -------------------------------------------------------------------------

// An id for an address that says nothing about where it is. Equal addresses have equal ids, inside one machine.
static uint64_t opaque(ml_machine *m, const void *address) {
  return ml_keyed(m->secret, (uint64_t)(uintptr_t)address) & 0xffffffffffffULL;
}

static void push_opaque(lua_State *L, const void *address) {
  char text[24];
  int count = snprintf(text, sizeof text, "0x%012llx", (unsigned long long)opaque(ml_get(L), address));
  lua_pushlstring(L, text, (size_t)count);
}

void ml_push_raw_text(lua_State *L, int32_t index) {
  index = lua_absindex(L, index);
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(L, index);
      lua_tolstring(L, -1, NULL);
      return;
    case LUA_TBOOLEAN:
      lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
      return;
    case LUA_TNIL: lua_pushliteral(L, "nil"); return;
    default: {
      const char *kind = luaL_typename(L, index);
      int name = luaL_getmetafield(L, index, "__name");
      bool named = name == LUA_TSTRING;
      if (name != LUA_TNIL && !named) lua_pop(L, 1);
      push_opaque(L, lua_topointer(L, index));
      lua_pushfstring(L, "%s: %s", named ? lua_tostring(L, -2) : kind, lua_tostring(L, -1));
      lua_replace(L, named ? -3 : -2);
      if (named) lua_pop(L, 1);
      return;
    }
  }
}

// luaL_tolstring with opaque ids: may run __tostring, may raise. Stack: +1.
const char *ml_tolstring(lua_State *L, int index, size_t *length) {
  index = lua_absindex(L, index);
  if (luaL_callmeta(L, index, "__tostring")) {
    if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
  } else {
    ml_push_raw_text(L, index);
  }
  return lua_tolstring(L, -1, length);
}

static int base_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  ml_tolstring(L, 1, NULL);
  return 1;
}

static int base_print(lua_State *L) {
  int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&line, ' ');
    ml_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  size_t length;
  const char *text = lua_tolstring(L, -1, &length);
  ml_machine *m = ml_get(L);
  int32_t at = ml_current_line(L, 1);
  if (print_sink != NULL) {
    m->host += 1;
    print_sink(m->context, text, length, at);
    m->host -= 1;
  }
  return 0;
}

// ---- Metatables -----------------------------------------------------------------------------

// The address that marks hidden metatables, as a key in them.
static const char hidden;

void ml_hide_metatable(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &hidden);
}

// Lua's getmetatable, blind for hidden ones.
static int base_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_getmetatable(L, 1)) {
    lua_pushnil(L);
    return 1;
  }
  if (lua_rawgetp(L, -1, &hidden) != LUA_TNIL) {
    lua_pushnil(L);
    return 1;
  }
  lua_pop(L, 1);
  luaL_getmetafield(L, 1, "__metatable");  // pushed where there is one: else the metatable is on top
  return 1;
}

// The address that marks the metatables of read-only views, as a key in them.
static const char read_only;

void ml_mark_read_only(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &read_only);
}

// Lua's rawset, which a read-only view refuses like any other write.
static int base_rawset(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  if (lua_getmetatable(L, 1) && lua_rawgetp(L, -1, &read_only) != LUA_TNIL)
    return luaL_error(L, "this table is read-only");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

// Lua's setmetatable, without finalizers: nothing of a script may run after its process is gone.
static int base_setmetatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int kind = lua_type(L, 2);
  luaL_argexpected(L, kind == LUA_TNIL || kind == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  if (kind == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "__gc is not supported");
    lua_pop(L, 1);
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

// ---- Strings --------------------------------------------------------------------------------

// An error object as the subject counts as its message.
static void text_for_userdata(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || text_of_userdata == NULL) return;
  ml_machine *m = ml_get(L);
  m->host += 1;
  bool known = text_of_userdata(L, index);
  m->host -= 1;
  if (known) lua_replace(L, index);
}

// The functions of Lua's own `string` that ours stand in front of.
#define WRAPPED(X)                                                                              \
  X(find) X(match) X(gmatch) X(gsub) X(sub) X(len) X(lower) X(upper) X(reverse) X(byte) X(rep) \
  X(format)
#define PLACE(name) PLACE_##name,
enum { WRAPPED(PLACE) WRAPPED_COUNT };
static lua_CFunction originals[WRAPPED_COUNT];

static int call_original(lua_State *L, int place) { return originals[place](L); }

#define WITH_TEXT(name)                      \
  static int string_##name(lua_State *L) {   \
    text_for_userdata(L, 1);                 \
    return call_original(L, PLACE_##name);   \
  }
WITH_TEXT(find)
WITH_TEXT(match)
WITH_TEXT(gmatch)
WITH_TEXT(gsub)
WITH_TEXT(sub)
WITH_TEXT(len)
WITH_TEXT(lower)
WITH_TEXT(upper)
WITH_TEXT(reverse)
WITH_TEXT(byte)

static int string_rep(lua_State *L) {
  text_for_userdata(L, 1);
  size_t unit, separator = 0;
  luaL_checklstring(L, 1, &unit);
  luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &separator);
  if (unit + separator == 0) {  // the stock loop would count to n for nothing
    lua_pushliteral(L, "");
    return 1;
  }
  return call_original(L, PLACE_rep);
}

// string.format with our own text for what has an address: %p, and %s of anything unusual.
static int string_format(lua_State *L) {
  text_for_userdata(L, 1);
  size_t length;
  const char *format = luaL_checklstring(L, 1, &length);
  char *copy = NULL;
  int arg = 1, top = lua_gettop(L);
  for (size_t i = 0; i < length; i++) {
    if (format[i] != '%') continue;
    if (++i < length && format[i] == '%') continue;
    while (i < length && strchr("-+ #0123456789.", format[i]) != NULL && format[i] != '\0') i++;
    if (i >= length || ++arg > top) break;
    if (format[i] == 's' && lua_type(L, arg) != LUA_TSTRING) {
      ml_tolstring(L, arg, NULL);
      lua_replace(L, arg);
    } else if (format[i] == 'p') {
      if (copy == NULL) {
        copy = lua_newuserdatauv(L, length + 1, 0);
        memcpy(copy, format, length + 1);
      }
      const void *address = lua_topointer(L, arg);
      if (address == NULL) lua_pushliteral(L, "(null)");
      else push_opaque(L, address);
      lua_replace(L, arg);
      copy[i] = 's';
    }
  }
  if (copy != NULL) {
    lua_pushlstring(L, copy, length);
    lua_replace(L, 1);
    lua_settop(L, top);
  }
  return call_original(L, PLACE_format);
}

// What scripts see of `string`: ours, and Lua's own but `dump`.
static ml_functions strings;
static pthread_once_t strings_known = PTHREAD_ONCE_INIT;

static void know_strings(void) {
#define WRAPPER(name) {#name, string_##name},
  static const luaL_Reg wrappers[] = {WRAPPED(WRAPPER)};
  const ml_functions *stock = &ml_stock_functions()->string;
  for (int i = 0; i < stock->count; i++) {
    luaL_Reg one = stock->list[i];
    if (strcmp(one.name, "dump") == 0) continue;
    for (int place = 0; place < WRAPPED_COUNT; place++) {
      if (strcmp(one.name, wrappers[place].name) != 0) continue;
      originals[place] = one.func;
      one.func = wrappers[place].func;
    }
    strings.list[strings.count++] = one;
  }
}

// __index of the table of string functions where some were left out: finds one by its name.
static int find_string(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  size_t length;
  const char *name = lua_tolstring(L, 2, &length);
  if (strlen(name) != length) return 0;
  lua_CFunction function = ml_function_named(&strings, name);
  if (function == NULL) return 0;
  lua_pushcfunction(L, function);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

// Pushes the table of string functions: of those that can only be methods, what is mentioned.
static void push_strings(lua_State *L, const wanted_names *wanted, bool whole) {
  pthread_once(&strings_known, know_strings);
  int count = 0;
  for (int i = 0; i < strings.count; i++)
    if (whole || is_wanted(wanted, strings.list[i].name)) count += 1;
  lua_createtable(L, 0, count);
  for (int i = 0; i < strings.count; i++) {
    if (!whole && !is_wanted(wanted, strings.list[i].name)) continue;
    lua_pushcfunction(L, strings.list[i].func);
    lua_setfield(L, -2, strings.list[i].name);
  }
  if (whole) return;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, find_string);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

// Gives strings their metatable: arithmetic, and the table on top, which stays, for methods.
static void open_methods(lua_State *L) {
  const ml_functions *operators = &ml_stock_functions()->string_operators;
  lua_pushliteral(L, "");
  lua_createtable(L, 0, operators->count + 2);
  luaL_setfuncs(L, operators->list, 0);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

// ---- Tables ---------------------------------------------------------------------------------

#define TABLE_CREATE_MAX ((lua_Integer)1 << 26)

// table.create(n, h): a table with room for n values and h fields.
static int table_create(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 1, 0), h = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, n >= 0 && n <= TABLE_CREATE_MAX, 1, "out of range");
  luaL_argcheck(L, h >= 0 && h <= TABLE_CREATE_MAX, 2, "out of range");
  lua_createtable(L, (int)n, (int)h);
  return 1;
}

// ---- Random numbers -------------------------------------------------------------------------

// math.randomseed without results (the stock one gives a state's address away), and without
// arguments seeded from the machine's secret. Upvalue 1: the stock function.
static int math_randomseed(lua_State *L) {
  int count = lua_gettop(L);
  if (count == 0) {
    ml_machine *m = ml_get(L);
    for (int i = 0; i < 2; i++) {
      m->seedings += 1;
      lua_pushinteger(L, (lua_Integer)ml_keyed(m->secret, m->seedings));
    }
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

static void open_math(lua_State *L) {
  luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
  lua_getfield(L, -1, "randomseed");
  lua_pushcclosure(L, math_randomseed, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "randomseed");
  lua_call(L, 0, 0);
  lua_pop(L, 1);
}

// ---- Opening --------------------------------------------------------------------------------

static void open_some(lua_State *L, lua_Integer which) {
  if (which & ML_LIB_TABLE) {
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    lua_pushcfunction(L, table_create);
    lua_setfield(L, -2, "create");
    lua_pop(L, 1);
  }
  if (which & ML_LIB_MATH) open_math(L);
  if (which & ML_LIB_UTF8) {
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lua_pop(L, 1);
  }
  if (which & ML_LIB_COROUTINE) {
    luaL_requiref(L, LUA_COLIBNAME, ml_open_coroutine, 1);
    lua_pop(L, 1);
  }
}

// Sets the base functions that are wanted in the globals on top.
static void set_base(lua_State *L, const wanted_names *wanted) {
  static const luaL_Reg ours[] = {
      {"tostring", base_tostring},         {"print", base_print},
      {"getmetatable", base_getmetatable}, {"setmetatable", base_setmetatable},
      {"rawset", base_rawset},             {NULL, NULL}};
  static const char *const absent[] = {
      "load", "loadfile", "dofile", "collectgarbage", "warn", NULL};
  const ml_functions *stock = &ml_stock_functions()->base;
  for (int i = 0; i < stock->count; i++) {
    luaL_Reg one = stock->list[i];
    bool is_absent = false;
    for (int k = 0; absent[k] != NULL; k++) is_absent |= strcmp(one.name, absent[k]) == 0;
    // `pairs` gives `next` away, and tracebacks know it by its place in the globals.
    bool is_reached = strcmp(one.name, "next") == 0 && is_wanted(wanted, "pairs");
    if (is_absent || !(is_reached || is_wanted(wanted, one.name))) continue;
    for (int k = 0; ours[k].name != NULL; k++)
      if (strcmp(one.name, ours[k].name) == 0) one.func = ours[k].func;
    lua_pushcfunction(L, one.func);
    lua_setfield(L, -2, one.name);
  }
  if (is_wanted(wanted, "_VERSION")) {
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, -2, "_VERSION");
  }
}

static int open_base(lua_State *L) {
  const wanted_names *wanted = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  set_base(L, wanted);
  if (is_wanted(wanted, LUA_GNAME)) {
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
  }
  // Whoever can require it can ask for it by a name put together.
  bool whole = is_wanted(wanted, LUA_STRLIBNAME) || is_wanted(wanted, "require");
  push_strings(L, wanted, whole);
  open_methods(L);
  // package.loaded, which tracebacks read for names; scripts can't reach it.
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, LUA_GNAME);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, LUA_STRLIBNAME);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (whole) lua_setfield(L, -2, LUA_STRLIBNAME);
  return 0;
}

static int open_more(lua_State *L) {
  open_some(L, lua_tointeger(L, 1));
  return 0;
}

int32_t ml_open_libraries(ml_machine *m, ml_mentions mentions, const void *words) {
  wanted_names wanted = {mentions, words};
  lua_pushcfunction(m->state, open_base);
  lua_pushlightuserdata(m->state, &wanted);
  return lua_pcall(m->state, 1, 0, 0);
}

int32_t ml_open_more(lua_State *L, int32_t which) {
  lua_pushcfunction(L, open_more);
  lua_pushinteger(L, which);
  return lua_pcall(L, 1, 0, 0);
}

// ---- Helpers for Swift ----------------------------------------------------------------------

void ml_push_where(lua_State *L, int32_t level) { luaL_where(L, level); }

int32_t ml_current_line(lua_State *L, int32_t level) {
  lua_Debug ar;
  if (!lua_getstack(L, level, &ar)) return 0;
  lua_getinfo(L, "l", &ar);
  return ar.currentline > 0 ? ar.currentline : 0;
}

void ml_push_traceback(lua_State *L, lua_State *of, int32_t level) {
  luaL_traceback(L, of, NULL, level);
}

int32_t ml_raw_next(lua_State *L, int32_t index) { return lua_next(L, index); }
