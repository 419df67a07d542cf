// zlib as Debian packages it (zlib1g-dev). The inline wrapper reaches a macro Swift cannot call.
#pragma once

#include <zlib.h>

// A stream that writes gzip's form (RFC 1952), which is what 16 added to the window's size asks for.
static inline int moonlet_gzip_init(z_stream *stream) {
    return deflateInit2(stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
}
