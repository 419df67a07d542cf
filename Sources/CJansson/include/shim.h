// jansson as Debian packages it (libjansson-dev), what Swift cannot call of it, and the memory its
// trees lie in (arena.c).
#pragma once

#include <jansson.h>

// Swift sees a C array member as a tuple of 160 fields; a pointer is what a String is made from.
static inline const char *moonlet_json_error_text(const json_error_t *error) {
  return error->text;
}

// A parsed text: the first of the blocks that hold its tree, and nothing else does.
typedef struct moonlet_json {
  struct moonlet_json *next;  // a further block
  json_t *root;               // of the first block only
} moonlet_json;

// json_loadb into blocks of its own. NULL where the text is none; then nothing is left of it.
// The tree may be read, by one thread at a time, and not be changed or given to json_decref. Ends
// the program when the system has no memory, as Swift does.
moonlet_json *moonlet_json_parse(const char *text, size_t bytes, size_t flags, json_error_t *error);

// Gives the tree back as a whole, on any thread.
void moonlet_json_free(moonlet_json *text);
