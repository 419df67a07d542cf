// nghttp2 as Debian packages it (libnghttp2-dev). Only HTTP imports this.
#pragma once

// nghttp2.h uses ssize_t and does not say from where.
#include <sys/types.h>

#include <nghttp2/nghttp2.h>
