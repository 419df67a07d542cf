// jansson as Debian packages it (libjansson-dev). The inline wrappers reach what Swift cannot call.
#pragma once

#include <jansson.h>

// Swift sees a C array member as a tuple of 160 fields; a pointer is what a String is made from.
static inline const char *moonlet_json_error_text(const json_error_t *error) {
    return error->text;
}
