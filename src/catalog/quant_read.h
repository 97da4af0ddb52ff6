/* quant_read.h - what the two halves of the reader of data/quants.yaml share. Private to quant_yaml.c and quant_rules.c. */
#ifndef QUANT_READ_H
#define QUANT_READ_H

#include "base/yaml.h"
#include "catalog/quant.h"

struct quant_reader {
	struct ydoc doc;
	struct arena *arena;
	struct quants *q;
	struct ynode *sources, *groups, *sets;
	struct error *err;
};

int quant_no_memory(struct quant_reader *r);
/* `source: KEY` of every entry: the sentence under `sources:`. */
int quant_read_source(const char **out, struct quant_reader *r, struct ynode *n) MUST_CHECK;
/* `recipes:`; the formats must have been read. */
int quant_read_recipes(struct quant_reader *r, struct ynode *top) MUST_CHECK;

#endif
