/* model_write.h - a model_spec as the YAML of a models.d entry: the other direction of model_yaml.h, for drafts.
 *
 * What a file tells is written with that file as its source; what only a person can know is written as "unknown", or left out, with a
 * comment "# FILL IN: ..." that says what belongs there. The result passes `ullage models --check` as it is. */
#ifndef MODEL_WRITE_H
#define MODEL_WRITE_H

#include "catalog/model_spec.h"
#include <stdio.h>

struct model_draft {
	const struct model_spec *m;
	const char *id, *name;                   /* id: only a-z, 0-9, '.' and '-' */
	const char *licence;                     /* as the file says, or NULL */
	const char *what, *where, *confidence;   /* of the source */
	const char *const *remarks;              /* NULL-ended: comments above the entry */
};
/* Writes the entry. E_FORMAT: the description has what the catalogue's format cannot say (err names it); E_IO: not written whole. */
int model_write(FILE *out, const struct model_draft *d, struct error *err) MUST_CHECK;
/* An id made of a name: lower case, other characters '-', at most 60 bytes. "" when nothing is left of it. Returns buf (n at least 61). */
const char *model_write_id(char *buf, size_t n, const char *name);

#endif
