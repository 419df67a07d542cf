// jansson as Debian packages it (libjansson-dev). The inline wrappers reach what Swift cannot call.
#pragma once

#include <jansson.h>
