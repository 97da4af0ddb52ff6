/* model_write_parts.h - a draft under way, and how its values are spelt. Private to model_write*.c. */
#ifndef MODEL_WRITE_PARTS_H
#define MODEL_WRITE_PARTS_H

#include "catalog/model_spec.h"
#include <stdio.h>

enum { DRAFT_NAME = 48 };
struct draft {
	FILE *out;
	const struct model_spec *m;
	uint8_t part_used[MAX_PARTS], kind_used[MAX_KINDS];
	char part_name[MAX_PARTS][DRAFT_NAME], kind_name[MAX_KINDS][DRAFT_NAME], rope_name[MAX_ROPES][DRAFT_NAME];
};
/* A word, quoted unless it is plain beyond doubt. */
void draft_word(FILE *o, const char *s);
/* ", key: value" for what is not 0; nothing else is the reader's default. */
void draft_count(FILE *o, const char *key, uint32_t v);
void draft_flag(FILE *o, const char *key, int v);
void draft_number(FILE *o, const char *key, double v, int single);
/* As few digits as read back to the same number; single: as a float. */
void draft_bare(FILE *o, double v, int single);
void draft_parts(struct draft *w);

#endif
