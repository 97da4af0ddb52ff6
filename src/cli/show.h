/* show.h - everything ullage show says of one model, gathered once and then printed. Private to cmd_show.c and show_*.c. */
#ifndef SHOW_H
#define SHOW_H

#include "calc/footprint.h"
#include "catalog/catalog.h"
#include "catalog/licence.h"
#include "catalog/price.h"
#include "cli/options.h"

enum { SHOW_SIZES = 128, SHOW_KV_TYPES = 3, SHOW_SPANS = 6 };
/* Bytes under one recipe: of the file or files published so, and of the text weights that an engine holds. */
struct show_size { const struct recipe *r; uint64_t file, weights; uint8_t on_ladder, native, with_tokenizer; };
/* What 1024 tokens more cost by the architecture alone, and what windows and chunks hold at most. known 0: rows do not divide into its blocks. */
struct show_kv { const char *type; uint64_t per_1k, spans; uint8_t known; };
/* Layers that keep the last tokens, a chunk of them, or (GROW_RATIO) one row for so many. */
struct show_span { uint8_t growth; uint32_t tokens; struct layer_set layers; };

struct show {
	const struct options *o;
	const struct catalog *c;
	const struct model_entry *e;
	const struct model_spec *m;              /* NULL: no shapes, and nothing below but the licence */
	struct counts n;
	struct settings set;
	struct cache_bytes cache;                /* of set, all sequences */
	struct show_size size[SHOW_SIZES]; unsigned n_sizes;
	struct show_kv kv[SHOW_KV_TYPES];
	struct show_span span[SHOW_SPANS]; unsigned n_spans;
	struct licences licences;
	struct prices prices;
	const struct licence *licence;           /* its terms; NULL: not in data/licences.yaml */
};

void show_text(const struct show *s);
int show_json(const struct show *s, struct error *err) MUST_CHECK;
/* Layers of a kind. */
unsigned show_layers_of(const struct model_spec *m, unsigned kind);

#endif
