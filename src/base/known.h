/* known.h - numbers that carry where they come from. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stdint.h>

enum basis { BASIS_UNKNOWN, BASIS_SPEC, BASIS_PUBLISHED, BASIS_FITTED, BASIS_CALIBRATED, BASIS_MEASURED };
extern const char *const basis_names[];                      /* "unknown", "spec", ... NULL-ended */

struct known  { double v; enum basis basis; uint16_t source; };  /* BASIS_UNKNOWN: v is never read */
struct figure { double value, low, high; enum basis basis; };    /* 80 % interval */

static inline struct known known_of(double v, enum basis b) { struct known k = { v, b, 0 }; return k; }
static inline int is_known(struct known k) { return k.basis != BASIS_UNKNOWN; }

#endif
