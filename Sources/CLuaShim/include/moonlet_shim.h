// The C target of Lua: everything that may be jumped over by a Lua error, a yield or a kill, or that
// jumps itself, lives here. Swift is called from here and always returns before anything jumps
// (ARCHITECTURE.md, "The Lua boundary").
//
// Two kinds of object:
//   ml_machine  one Lua process's memory and flags; touched by the thread that runs it, except
//               `kill`, which any thread may set.
//   ml_worker   one OS thread that runs machines; the only place a jump ever lands.
#pragma once

#include <lua5.4/lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ml_machine ml_machine;
typedef struct ml_worker ml_worker;

// ---- Outcomes -------------------------------------------------------------------------------

// What a Swift body tells its trampoline. Zero or more: that many results are on top of the stack.
enum {
  ML_RAISE = -1,        // raise the value on top, as it is
  ML_RAISE_HERE = -2,   // raise the string on top, prefixed with the caller's "chunk:line:"
  ML_RAISE_ARG = -3,    // bad argument number `ml_set_arg`: the string on top says why
  ML_RAISE_TYPE = -4,   // bad argument number `ml_set_arg`: the string on top is what was wanted
  ML_BLOCK = -5,        // suspend the fiber; later the continuation set by ml_block goes on
};

// Why ml_resume came back.
enum {
  ML_ENDED = 0,      // the fiber's function returned; results are on its stack
  ML_FAILED = 1,     // an error escaped; the error value is on top of its stack
  ML_BLOCKED = 2,    // a body answered ML_BLOCK
  ML_PREEMPTED = 3,  // the slice was over
  ML_DIED = 4,       // the machine must never run again: ml_machine_death says why
  ML_RELEASED = 5,   // coroutine.yield in a fiber: let the others run
};

// Why a machine died. Zero: it has not.
enum {
  ML_ALIVE = 0,
  ML_DEATH_KILLED = 1,  // ml_machine_kill
  ML_DEATH_MEMORY = 2,  // over its memory limit
};

// A Swift body: takes the calling Lua thread and the machine's context; returns an outcome.
typedef int32_t (*ml_body)(lua_State *_Nonnull L, void *_Nullable context);

// ---- Machines -------------------------------------------------------------------------------

// Makes a machine with an empty Lua state (no libraries). `memory_limit` in bytes.
// Returns NULL when the system has no memory.
ml_machine *_Nullable ml_machine_new(size_t memory_limit, uint64_t seed);

// Gives all of Lua's memory back at once. No Lua code runs: no __gc, no __close. The machine itself
// stays valid for ml_machine_kill and the readers, until ml_machine_free.
void ml_machine_discard(ml_machine *_Nonnull m);
void ml_machine_free(ml_machine *_Nonnull m);

lua_State *_Nonnull ml_machine_state(const ml_machine *_Nonnull m);
ml_machine *_Nonnull ml_machine_of(lua_State *_Nonnull L);

void ml_machine_set_context(ml_machine *_Nonnull m, void *_Nullable context);

// Bytes Lua holds now; readable from any thread (a relaxed load).
size_t ml_machine_memory(const ml_machine *_Nonnull m);

// Whether it holds more than its limit: granted while host code runs, until it ends.
bool ml_machine_is_over(const ml_machine *_Nonnull m);

// Memory for host records that live and die with the machine, counted like Lua's own.
void *_Nonnull ml_machine_allocate(ml_machine *_Nonnull m, size_t bytes);
void ml_machine_release(ml_machine *_Nonnull m, void *_Nonnull block, size_t bytes);

// Asks the machine to die; nothing of its Lua code runs after the flag is seen. Any thread.
void ml_machine_kill(ml_machine *_Nonnull m);
int32_t ml_machine_death(const ml_machine *_Nonnull m);

// Has the machine die with ML_DEATH_MEMORY as soon as no host code runs: for a Lua stack that can't
// grow any more under a value that must be pushed. Only the owner.
void ml_machine_exhaust(ml_machine *_Nonnull m);

// Where the argument number of ML_RAISE_ARG and ML_RAISE_TYPE goes.
void ml_set_arg(ml_machine *_Nonnull m, int32_t index);

// A Message's room holds its sender's number (0: none); its user values are payload and topic.
typedef struct {
  uint64_t sender;
} ml_message;

// Pushes the __index of the Message class, whose key is `key`: `payload`, `topic`, `from`. Stack: +1.
void ml_push_message_index(lua_State *_Nonnull L, const void *_Nonnull key);

// What pushes a sender's text: told the machine's context. Called with a Lua stack of 10 free slots.
typedef void (*ml_sender_text)(
    lua_State *_Nonnull L, void *_Nullable context, uint64_t sender);
void ml_set_sender_text(ml_sender_text _Nonnull writer);

// Gives every value that a payload can be a __call that lets `msg:payload()` return what
// `msg.payload` is: called with the Message whose field it came from, the value itself is the answer;
// called otherwise the error is Lua's own. `plain` is the class of payload tables, made here.
// getmetatable shows none of these metatables, so that scripts can neither change
// what all values share nor smuggle a finalizer in; setmetatable may replace a payload table's.
void ml_open_message_calls(lua_State *_Nonnull L, const void *_Nonnull plain);

// Gives the metatable on top that __call, too, where other values have it.
void ml_add_message_call(lua_State *_Nonnull L);

// Has rawset refuse the tables whose metatable is on top.
void ml_mark_read_only(lua_State *_Nonnull L);

// Pushes the metatable, kept under `key`, that marks a table as a JSON array or object; made the first
// time. Stack: +1.
void ml_push_mark_class(lua_State *_Nonnull L, const void *_Nonnull key, int32_t mark);

// The mark of the table at `index`: that of its metatable, or 0.
int32_t ml_mark_of(lua_State *_Nonnull L, int32_t index);

// Replaces the environment (first upvalue) of the function at `index` by the table on top; pops it.
void ml_set_environment(lua_State *_Nonnull L, int32_t index);

// Names the body that goes on when the fiber is resumed after ML_BLOCK.
void ml_block(ml_machine *_Nonnull m, ml_body _Nonnull continuation);

// Whether the running call chain can be suspended (no C frame without a continuation in it).
bool ml_can_block(lua_State *_Nonnull L);

// ---- Templates ------------------------------------------------------------------------------

typedef struct ml_template ml_template;

// A machine to build a template in; every block of it lies in one region. NULL: no memory.
ml_machine *_Nullable ml_machine_new_template(void);
void ml_machine_free_template(ml_machine *_Nonnull m);

// Whether some eight bytes in a row of a chunk would look like an address in the region.
bool ml_template_clashes(
    const ml_machine *_Nonnull m, const uint8_t *_Nonnull bytes, size_t count);

// Takes the machine's state as it is, collected first, with what its main thread's stack holds. The
// machine may be freed afterwards. NULL: it outgrew its region, or no memory.
ml_template *_Nullable ml_template_new(ml_machine *_Nonnull m);
void ml_template_free(ml_template *_Nonnull t);

// Makes a machine that is a copy, with its own random numbers. Any thread. NULL: no memory.
ml_machine *_Nullable ml_template_fork(
    const ml_template *_Nonnull t, size_t memory_limit, uint64_t seed);

// ---- Memory ---------------------------------------------------------------------------------

// Has malloc give memory back to the system (arena.c). Once for the program, before much is taken.
void ml_tune_malloc(void);

// ---- Workers --------------------------------------------------------------------------------

// Installs the SIGURG handler, once for the process.
void ml_install_signal_handler(void);

// Makes the calling thread a worker; the thread's stack must be at least 1 MiB (8 are usual).
ml_worker *_Nonnull ml_worker_new(void);
void ml_worker_free(ml_worker *_Nonnull w);

// Runs `fiber` of `m` on the calling thread, a worker's, until it ends, fails, blocks, is preempted
// or dies. `arguments` values are on the fiber's stack. `results` gets how many values it left there.
int32_t ml_resume(
    ml_machine *_Nonnull m, lua_State *_Nonnull fiber, int32_t arguments,
    int32_t *_Nonnull results);

// Rises by one at the start and the end of each run: odd while Lua runs. Any thread.
uint64_t ml_worker_serial(const ml_worker *_Nonnull w);

// Interrupts the run that `serial` names: preempts it, or ends it where its machine's kill flag is
// set. Late calls (the run is over) do nothing. Any thread.
void ml_worker_interrupt(ml_worker *_Nonnull w, uint64_t serial);

// ---- Building a state -----------------------------------------------------------------------

// Whether a program can name something: then it is there from the start.
typedef bool (*ml_mentions)(const void *_Nullable words, const char *_Nonnull name);

// Makes the globals: of the sandboxed base and string libraries what `mentions` says. The methods of
// strings are all there, found when they are asked for. NULL: a program that can reach everything.
// Returns LUA_OK, else the error message is on top of the main state's stack.
int32_t ml_open_libraries(
    ml_machine *_Nonnull m, ml_mentions _Nullable mentions, const void *_Nullable words);

// Lua's own `next`, whatever a script made of the global. Stack: +1.
void ml_push_stock_next(lua_State *_Nonnull L);

// Further libraries, opened into the globals where a program can reach them.
enum { ML_LIB_TABLE = 1, ML_LIB_MATH = 2, ML_LIB_UTF8 = 4, ML_LIB_COROUTINE = 8 };
int32_t ml_open_more(lua_State *_Nonnull L, int32_t which);

// Pushes a Lua function that calls `body`: the same value each time, without memory of its own
// (functions.c). Stack: +1. Raises nothing.
void ml_push_function(lua_State *_Nonnull L, ml_body _Nonnull body);

// Pushes the function every process begins with (boot.c). Stack: +1.
void ml_push_boot(lua_State *_Nonnull L);

// Loads a chunk (text, or the binary form made by ml_dump). Pushes the function, or the message.
int32_t ml_load(
    lua_State *_Nonnull L, const char *_Nonnull bytes, size_t count, const char *_Nonnull name,
    bool binary);

// Turns the function on top into its binary form, in malloc'd memory the caller frees.
uint8_t *_Nullable ml_dump(lua_State *_Nonnull L, size_t *_Nonnull count);

// Pushes the text of the value at `index` as our tostring shows it, without calling metamethods.
void ml_push_raw_text(lua_State *_Nonnull L, int32_t index);

// Pushes "chunk:line:" of the running function `level` levels up, or "". Stack: +1.
void ml_push_where(lua_State *_Nonnull L, int32_t level);

// Line of the function `level` levels up the stack, or 0.
int32_t ml_current_line(lua_State *_Nonnull L, int32_t level);

// Pushes a traceback of `of`, one frame a line. Stack of L: +1.
void ml_push_traceback(lua_State *_Nonnull L, lua_State *_Nonnull of, int32_t level);

// lua_next where it cannot raise: the key on top is nil or comes from the traversal itself. Stack: -1
// and then +2, or -1 and false at the end.
int32_t ml_raw_next(lua_State *_Nonnull L, int32_t index);

// Pushes a userdata of the class `key` with room for `bytes` bytes and `values` user values, and
// returns that room (8-byte aligned, not zeroed). Every userdata a script can get hold of is made here:
// its first word is the key, by which it is known again, since scripts cannot change what a userdata's
// metatable is. Stack: +1.
void *_Nonnull ml_push_userdata(
    lua_State *_Nonnull L, const void *_Nonnull key, size_t bytes, int32_t values);

// The room of the userdata of class `key` at `index`, or NULL for any other value.
void *_Nullable ml_test_userdata(lua_State *_Nonnull L, int32_t index, const void *_Nonnull key);

// Creates (once) the metatable kept under the light key `key` in the registry and pushes it.
// Returns whether it was new. Stack: +1.
bool ml_metatable(lua_State *_Nonnull L, const void *_Nonnull key, const char *_Nonnull name);

// ---- Hooks the host provides ------------------------------------------------------------------

// What `print` calls: one line of text, and the line of the caller.
typedef void (*ml_print_sink)(
    void *_Nullable context, const char *_Nonnull text, size_t count, int32_t line);
void ml_set_print_sink(ml_print_sink _Nonnull sink);

// Which userdata string functions accept as a string: pushes its text and returns true, or false.
typedef bool (*ml_text_of_userdata)(lua_State *_Nonnull L, int32_t index);
void ml_set_text_of_userdata(ml_text_of_userdata _Nonnull reader);

// Who makes the class of a key where a state has none yet: pushes the metatable, or nil.
typedef void (*ml_class_maker)(lua_State *_Nonnull L, const void *_Nonnull key);
void ml_set_class_maker(ml_class_maker _Nonnull maker);

// Whether the ends of liblua's code are known (lua_text.ld): kills inside it need them.
bool ml_knows_lua_text(void);

// Helpers over macros of lua.h that Swift cannot see.
static inline int32_t ml_registry_index(void) { return LUA_REGISTRYINDEX; }
