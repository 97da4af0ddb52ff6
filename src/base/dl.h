/* dl.h - a library opened on first use, its functions in a table: what is optional may be missing and costs nothing but itself.
 *
 * One symbol that a driver does not have must not take a whole vendor away: only `required` ones do.
 * Not here: what the functions are (probe/nvml.c, probe/cuda_driver.c, ...). */
#ifndef DL_H
#define DL_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct dl_symbol {
	const char *name;
	const char *fallback;            /* an older name with the same arguments; NULL: none */
	size_t offset;                   /* of the function pointer in the caller's table, which the symbol's address is stored in */
	uint8_t required;                /* 0: without it the pointer is NULL */
};
struct dl { void *handle; const char *name; };   /* name: which of the names it was */

/* Opens the first of the libraries in `names` (NULL-ended, in order) that loads and has every required symbol, and fills `table`
 * (function pointers at the offsets; all others bytes stay). E_NODEV: none does; the text names the first library and why, and
 * a library that loads but lacks a required symbol is named with it rather than one that does not load at all. After a failure
 * *out is zeroed and every pointer NULL. */
int dl_open(struct dl *out, void *table, const struct dl_symbol *symbols, size_t n, const char *const *names, struct error *err) MUST_CHECK;
/* The pointers of the table may not be called afterwards. A zeroed struct is fine. */
void dl_close(struct dl *d);

#endif
