// The memory of parsed texts.
//
// Inside moonlet_json_parse jansson's allocations are cut from blocks that belong to the text, and
// go with it: to walk a small text's tree and free it cost a fifth of what parsing it did, malloc
// another tenth. Elsewhere jansson has malloc and free. It allocates nothing when it is read
// (json_object_getn, json_array_get, the iterators and the values' getters).
//
// What jansson frees while it parses stays until the text goes: a name once it was copied into its
// object, and what an object, an array or the token being read has outgrown, which together is less
// than what they came to. malloc's own 8 bytes a block make up for that: the worst texts, those of
// many small values, take no more than with malloc; one string of n bytes takes up to 6 n, not 4 n.

#include "include/shim.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if __has_feature(address_sanitizer)
// Each allocation is one of malloc's, so that reading past it or after it is found out.
#define BLOCK_BYTES sizeof(moonlet_json)
#define SHARED_BYTES_MAX ((size_t)0)
#else
// Holds the tree of some 500 bytes of text.
#define BLOCK_BYTES ((size_t)16 << 10)
// More than this has a block of its own, so that no more than a quarter of a block is left empty.
#define SHARED_BYTES_MAX (BLOCK_BYTES / 4)
#endif
// Pointers, long long and double are all that jansson keeps.
#define ALIGNMENT ((size_t)8)

// The text this thread is parsing.
static _Thread_local struct {
  moonlet_json *text;  // NULL outside moonlet_json_parse
  char *next;          // the rest of the block in use
  size_t left;         // how long it is; 0 outside
} parsing;

// One block that a text left, for the next: a thread that parses small texts calls no malloc.
static _Thread_local struct {
  moonlet_json *block;
  bool watched;  // it is freed at the thread's end
} spare;
static pthread_key_t thread_end;

static moonlet_json *new_block(size_t bytes) {
  moonlet_json *block = bytes > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + bytes);
  // jansson would leave characters out of a string it cannot lengthen.
  if (block == NULL) abort();
  return block;
}

static void use(moonlet_json *block) {
  parsing.next = (char *)(block + 1);
  parsing.left = BLOCK_BYTES - sizeof *block;
}

static void *cut(size_t bytes) {
  char *start = parsing.next;
  size_t taken = (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  parsing.next += taken;
  parsing.left -= taken;
  return start;
}

static void *cut_from_new_block(size_t bytes) {
  bool shared = bytes <= SHARED_BYTES_MAX;
  moonlet_json *block = new_block(shared ? BLOCK_BYTES - sizeof *block : bytes);
  block->next = parsing.text->next;
  parsing.text->next = block;
  if (!shared) return block + 1;
  use(block);
  return cut(bytes);
}

static void *allocate(size_t bytes) {
  if (bytes <= parsing.left) return cut(bytes);
  return parsing.text == NULL ? malloc(bytes) : cut_from_new_block(bytes);
}

static void release(void *block) {
  if (parsing.text == NULL) free(block);
}

static moonlet_json *take_block(void) {
  moonlet_json *block = spare.block;
  spare.block = NULL;
  return block != NULL ? block : new_block(BLOCK_BYTES - sizeof *block);
}

static void keep_block(moonlet_json *block) {
  if (!spare.watched) spare.watched = pthread_setspecific(thread_end, &spare) == 0;
  if (spare.block != NULL || !spare.watched) return free(block);
  spare.block = block;
}

moonlet_json *moonlet_json_parse(
    const char *text, size_t bytes, size_t flags, json_error_t *error) {
  moonlet_json *parsed = take_block();
  parsed->next = NULL;
  parsing.text = parsed;
  use(parsed);
  parsed->root = json_loadb(text, bytes, flags, error);
  parsing.text = NULL;
  parsing.left = 0;
  if (parsed->root != NULL) return parsed;
  moonlet_json_free(parsed);
  return NULL;
}

void moonlet_json_free(moonlet_json *text) {
  moonlet_json *block = text->next;
  while (block != NULL) {
    moonlet_json *next = block->next;
    free(block);
    block = next;
  }
  keep_block(text);
}

static void end_thread(void *unused) {
  (void)unused;
  free(spare.block);
  spare.block = NULL;
  spare.watched = false;
}

// Before main: there is one thread, and nothing was parsed yet.
__attribute__((constructor)) static void begin(void) {
  if (pthread_key_create(&thread_end, end_thread) != 0) abort();
  json_set_alloc_funcs(allocate, release);
}
