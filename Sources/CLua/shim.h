// Lua 5.4 as Debian packages it (liblua5.4-dev). Functions that raise are not called from Swift:
// see CLuaShim.
#pragma once

#include <lua5.4/lua.h>
#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>
