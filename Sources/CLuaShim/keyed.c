// The one source of what scripts must not guess: SipHash-2-4 under a key drawn at start. Its results
// tell nothing about each other, so a script that works out the state of its math.random learns
// neither its machine's secret nor anything of another machine.

#include "machine.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t key[2];
static pthread_once_t drawn = PTHREAD_ONCE_INIT;

static void draw(void) {
  ssize_t count;
  do count = getrandom(key, sizeof key, 0);
  while (count < 0 && errno == EINTR);
  if (count != (ssize_t)sizeof key) abort();
}

static inline uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static void rounds(uint64_t v[4], int count) {
  for (int i = 0; i < count; i++) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
  }
}

static void absorb(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  rounds(v, 2);
  v[0] ^= word;
}

uint64_t ml_keyed(uint64_t a, uint64_t b) {
  pthread_once(&drawn, draw);
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                   key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  absorb(v, a);
  absorb(v, b);
  absorb(v, (uint64_t)16 << 56);
  v[2] ^= 0xff;
  rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}
