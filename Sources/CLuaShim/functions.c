// How Lua calls a Swift body.
//
// A light C function takes no memory beside the slot it stands in, but has no upvalue to say which
// body is meant: so there are stubs, each of which calls one. A body gets its stub the first time it
// is pushed and keeps it.

#include "machine.h"
#include <stdlib.h>

#define STUBS 256

static ml_body bodies[STUBS];
static int body_count;
static pthread_mutex_t giving = PTHREAD_MUTEX_INITIALIZER;

#define STUB(n) \
  static int stub_##n(lua_State *L) { return ml_call_body(L, bodies[n]); }
#define NAME(n) stub_##n,
#define ROW(M, r)                                                                      \
  M(0x##r##0) M(0x##r##1) M(0x##r##2) M(0x##r##3) M(0x##r##4) M(0x##r##5) M(0x##r##6)  \
  M(0x##r##7) M(0x##r##8) M(0x##r##9) M(0x##r##a) M(0x##r##b) M(0x##r##c) M(0x##r##d)  \
  M(0x##r##e) M(0x##r##f)
#define ALL(M)                                                                         \
  ROW(M, 0) ROW(M, 1) ROW(M, 2) ROW(M, 3) ROW(M, 4) ROW(M, 5) ROW(M, 6) ROW(M, 7)      \
  ROW(M, 8) ROW(M, 9) ROW(M, a) ROW(M, b) ROW(M, c) ROW(M, d) ROW(M, e) ROW(M, f)

ALL(STUB)
static const lua_CFunction stubs[STUBS] = {ALL(NAME)};

// A stub is in no state's reach before its entry is written here, under the lock; what then hands
// that state to another thread orders the two.
void ml_push_function(lua_State *L, ml_body body) {
  pthread_mutex_lock(&giving);
  int place = 0;
  while (place < body_count && bodies[place] != body) place++;
  if (place == STUBS) abort();  // bodies are the program's own functions: STUBS is to be raised
  if (place == body_count) bodies[body_count++] = body;
  pthread_mutex_unlock(&giving);
  lua_pushcfunction(L, stubs[place]);
}
