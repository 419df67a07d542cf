// Chunks: from text or binary form to a function, and back.

#include "machine.h"
#include <stdlib.h>

typedef struct {
  const char *bytes, *name;
  size_t count;
  bool binary;
} load_request;

static const char *read_once(lua_State *L, void *ud, size_t *size) {
  (void)L;
  load_request *r = ud;
  *size = r->count;
  r->count = 0;
  return *size == 0 ? NULL : r->bytes;
}

int32_t ml_load(lua_State *L, const char *bytes, size_t count, const char *name, bool binary) {
  load_request r = {bytes, name, count, binary};
  // lua_load runs the parser protected: its errors come back as a status.
  return lua_load(L, read_once, &r, name, binary ? "b" : "t");
}

typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} dump_buffer;

static int dump_some(lua_State *L, const void *bytes, size_t count, void *ud) {
  (void)L;
  dump_buffer *b = ud;
  if (b->count + count > b->capacity) {
    size_t capacity = (b->count + count) * 2;
    uint8_t *grown = realloc(b->bytes, capacity);
    if (grown == NULL) return 1;
    b->bytes = grown;
    b->capacity = capacity;
  }
  memcpy(b->bytes + b->count, bytes, count);
  b->count += count;
  return 0;
}

uint8_t *ml_dump(lua_State *L, size_t *count) {
  dump_buffer b = {NULL, 0, 0};
  if (lua_dump(L, dump_some, &b, 0) != 0) {
    free(b.bytes);
    return NULL;
  }
  *count = b.count;
  return b.bytes;
}

void ml_set_environment(lua_State *L, int32_t index) {
  if (lua_setupvalue(L, index, 1) == NULL) lua_pop(L, 1);
}
