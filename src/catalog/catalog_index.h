/* catalog_index.h - folded names -> entries, hashed. Private to the catalogue. */
#ifndef CATALOG_INDEX_H
#define CATALOG_INDEX_H

#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>

/* Better names win over lesser ones of other entries: an id over an alias, the user's over the program's. */
enum name_rank { NAME_USER_EXACT, NAME_EXACT, NAME_USER_LOOSE, NAME_LOOSE };
struct name {
	const char *folded, *text;
	uint32_t entry;
	uint8_t rank, shared;            /* shared: a loose name that several entries have; `entry` is the first */
};
struct name_index { struct name *slot; uint32_t cap, n; };

int index_init(struct name_index *x, struct arena *a, uint32_t names, struct error *err) MUST_CHECK;
/* NAME_*_EXACT names (id, name, alias) belong to one entry of a folder: *clash is set to the name that is already there, of
 * another entry and the same rank, and nothing is added. Loose ones (driver names, repositories) may be shared. */
int index_add(struct name_index *x, struct arena *a, const char *text, uint32_t entry, enum name_rank rank,
	const struct name **clash, struct error *err) MUST_CHECK;
const struct name *index_find(const struct name_index *x, const char *text);

#endif
