// C that only tests need.
#pragma once

#include <lua5.4/lua.h>
#include <stdbool.h>
#include <stdint.h>

// How often the calling thread has called malloc, calloc, realloc or an aligned form of them. Counted
// by definitions in the test program, which stand before libc's; not in builds with a sanitizer,
// whose own they would replace.
uint64_t test_allocations(void);
bool test_counts_allocations(void);

// Bytes that malloc has given out in the whole process; 0 in builds with a sanitizer.
uint64_t test_bytes_in_use(void);

// Makes Lua's collectgarbage, which scripts do not have, a global of L. Stack: 0.
void test_open_collectgarbage(lua_State *L);
