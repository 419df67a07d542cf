#include "moonlet_shim.h"
