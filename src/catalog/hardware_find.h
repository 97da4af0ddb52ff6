/* hardware_find.h - one thing that people call by name: an entry, and which of its variants. Used by hardware_name.c.
 *
 * Names are equal when their folded forms are, whole: "h200" never matches inside "gh200", nor "RTX 4090" inside
 * "RTX 4090 Laptop GPU". Besides, a vendor's name in front, and a memory size or a number of GPU cores behind, may be said or
 * not. */
#ifndef HARDWARE_FIND_H
#define HARDWARE_FIND_H

#include "catalog/catalog.h"

struct hardware_found {
	const struct hardware_entry *entry;
	const struct hardware_variant *variant;  /* NULL: the entry's own figures */
	const char *warning;                     /* NULL, or what the name was taken for */
};

/* E_HARDWARE with near matches, E_AMBIGUOUS with the variants, E_AVAILABLE with what can be had. */
int hardware_find(struct hardware_found *out, struct arena *a, struct catalog *c, const char *name, struct error *err) MUST_CHECK;

/* What is said behind a name, taken off it; `key` keeps the folded rest. Exposed for tests. */
struct hardware_words { char key[96]; uint32_t gb, cores; };
/* -1: too long. */
int hardware_words(struct hardware_words *out, const char *name);
/* A product's label ("24 GB", decimal or binary, before ECC and the driver took their share) and a driver's exact total. */
int hardware_label_matches(uint64_t bytes, uint32_t gb);

#endif
