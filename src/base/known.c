/* known.c - names of where a number comes from */
#include "base/known.h"

#include <stddef.h>

const char *const basis_names[] = { "unknown", "spec", "published", "fitted", "calibrated", "measured", NULL };
