/* catalog_head.h - the few top-level keys of an entry that look-ups need, without parsing the rest. Private to the catalogue. */
#ifndef CATALOG_HEAD_H
#define CATALOG_HEAD_H

#include "base/yaml.h"

/* Parses only the values of `keys` (NULL-ended) into *out, with the file's own line numbers. Files that are not plainly laid out
 * (flow maps at the top, block scalars, quoted keys, CR line ends, ...) are parsed whole; so is a file whose head is malformed,
 * so that the error is the parser's own. *whole: 1 when everything was parsed. */
int head_parse(struct ydoc *out, int *whole, struct arena *a, const char *file, const char *bytes, size_t n,
	const char *const *keys, struct error *err) MUST_CHECK;

#endif
