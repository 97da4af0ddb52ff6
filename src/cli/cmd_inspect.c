/* cmd_inspect.c - ullage inspect: exact sizes from a file's own header */
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"

#include <stdlib.h>
#include <string.h>

/* Bytes and tensors by format. */
enum { MAX_TYPES = 48 };
struct by_type { const char *name; uint64_t tensors, elements, bytes; };
struct histogram { struct by_type t[MAX_TYPES]; unsigned n; };

static void count_types(struct histogram *h, const struct tensor_dir *d)
{
	h->n = 0;
	for (uint64_t i = 0; i < d->n; i++) {
		unsigned k = 0;
		while (k < h->n && strcmp(h->t[k].name, d->t[i].type_name))
			k++;
		if (k == MAX_TYPES)
			continue;
		if (k == h->n)
			h->t[h->n++] = (struct by_type){ .name = d->t[i].type_name };
		h->t[k].tensors++;
		h->t[k].elements += d->t[i].elements;
		h->t[k].bytes += d->t[i].bytes;
	}
}

struct report {
	const struct model_arg *m;
	const struct tensor_dir *dir;            /* NULL: a bare config.json */
	struct histogram types;
	struct counts counts;
	struct settings settings;
	uint64_t kv_1k, kv, state;
};

static int measure(struct report *r, const struct catalog *c, struct arena *a, struct error *err)
{
	const struct quants *q = catalog_quants(c);
	struct settings set = r->settings;
	struct cache_bytes cache;
	int rc;

	if (r->dir)
		count_types(&r->types, r->dir);
	if ((rc = inventory_counts(&r->counts, r->m->spec, q, err)) != OK || (rc = cache_compute(&cache, r->m->spec, q, &set, a, err)) != OK)
		return rc;
	r->kv = cache.kv;
	r->state = cache.state;
	const struct engine_profile *none = engine_find(catalog_engines(c), "none");
	if (!none)
		return error_set(err, E_CATALOGUE, "data/engines.yaml: no profile none");
	return cache_per_1k(&r->kv_1k, r->m->spec, q, none, set.kv_k, set.kv_v, err);
}

static uint64_t file_bytes(const struct report *r)
{
	return r->m->gguf ? r->m->gguf->file_bytes : r->m->st ? r->m->st->file_bytes : 0;
}

static int print_json(const struct report *r, const struct quants *q, struct error *err)
{
	cJSON *doc = answer_document(), *o, *list;
	const struct model_spec *m = r->m->spec;

	o = json_add_object(doc, "model");
	json_add_str(o, "id", m->id);
	json_add_str(o, "name", m->name);
	json_add_str(o, "architecture", m->architecture);
	json_add_u64(o, "params_total", r->counts.total);
	json_add_u64(o, "params_active", r->counts.active);
	json_add_u64(o, "params_mtp", r->counts.mtp);
	json_add_u64(o, "layers", m->n_layers);
	if (m->context_max)
		json_add_u64(o, "context_max", m->context_max);
	else
		cJSON_AddNullToObject(o, "context_max");
	o = json_add_object(doc, "file");
	json_add_str(o, "format", r->m->gguf ? "gguf" : r->m->st ? "safetensors" : "config.json");
	if (r->dir) {
		json_add_u64(o, "file_bytes", file_bytes(r));
		json_add_u64(o, "shards", r->m->gguf ? r->m->gguf->n_shards : r->m->st ? r->m->st->n_shards : 1);
		json_add_u64(o, "tensors", r->dir->n);
		json_add_u64(o, "tensor_bytes", r->dir->bytes);
	}
	list = json_add_array(o, "formats");
	for (unsigned i = 0; i < r->types.n; i++) {
		cJSON *t = cJSON_CreateObject();
		json_add_str(t, "format", r->types.t[i].name);
		json_add_u64(t, "tensors", r->types.t[i].tensors);
		json_add_u64(t, "elements", r->types.t[i].elements);
		json_add_u64(t, "bytes", r->types.t[i].bytes);
		cJSON_AddItemToArray(list, t);
	}
	o = json_add_object(doc, "memory");
	if (r->m->weights) {
		uint64_t w = r->m->weights->input_bytes + r->m->weights->output_bytes;
		for (uint32_t i = 0; i < m->n_layers; i++)
			w += r->m->weights->layer_bytes[i];
		json_add_u64(o, "weights_bytes", w);
	}
	json_add_u64(o, "kv_cache_bytes", r->kv);
	json_add_u64(o, "state_bytes", r->state);
	json_add_u64(o, "kv_bytes_per_1k_tokens", r->kv_1k);
	o = json_add_object(doc, "settings");
	json_add_u64(o, "ctx_tokens", r->settings.ctx_tokens);
	json_add_u64(o, "sequences", r->settings.sequences);
	json_add_str(o, "kv_type", q->formats[r->settings.kv_k].id);
	json_add_str(o, "engine", r->settings.engine->id);
	list = json_add_array(doc, "warnings");
	for (unsigned i = 0; i < m->n_warnings; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(m->warnings[i]));
	return answer_print(doc, err);
}

static void print_text(const struct text *t, const struct report *r, const struct quants *q)
{
	const struct model_spec *m = r->m->spec;
	char a[32], b[32], c[32];
	struct table tab;

	text_paint(t, BOLD, "%s", m->name ? m->name : m->id);
	fprintf(t->out, "  %s, %u layers, width %u\n", m->architecture ? m->architecture : "unknown architecture", m->n_layers, m->width);
	fprintf(t->out, "%s parameters", format_count(a, sizeof a, (double)r->counts.total));
	if (r->counts.active < r->counts.total * 7 / 10)
		fprintf(t->out, ", %s active", format_count(a, sizeof a, (double)r->counts.active));
	if (r->counts.mtp)
		fprintf(t->out, ", %s in MTP blocks apart", format_count(a, sizeof a, (double)r->counts.mtp));
	if (m->context_max)
		fprintf(t->out, ", context %s", format_tokens(a, sizeof a, m->context_max));
	fputc('\n', t->out);
	if (r->dir) {
		unsigned shards = r->m->gguf ? r->m->gguf->n_shards : r->m->st->n_shards;
		fprintf(t->out, "%llu tensors, %llu bytes (%s)", (unsigned long long)r->dir->n, (unsigned long long)r->dir->bytes, format_bytes(a, sizeof a, r->dir->bytes));
		fprintf(t->out, " in %u file%s of %llu bytes (%s)\n\n", shards, shards == 1 ? "" : "s", (unsigned long long)file_bytes(r), format_bytes(b, sizeof b, file_bytes(r)));
		table_init(&tab, 4, 0xe);
		for (unsigned i = 0; i < 4; i++)
			table_cell(&tab, DIM, "%s", (const char *const[]){ "format", "tensors", "elements", "bytes" }[i]);
		for (unsigned i = 0; i < r->types.n; i++) {
			uint16_t f = format_find(q, r->types.t[i].name);
			table_cell(&tab, PLAIN, "%s", f == NO_FORMAT ? r->types.t[i].name : q->formats[f].name);
			table_cell(&tab, PLAIN, "%llu", (unsigned long long)r->types.t[i].tensors);
			table_cell(&tab, PLAIN, "%s", format_count(c, sizeof c, (double)r->types.t[i].elements));
			table_cell(&tab, PLAIN, "%s", format_bytes(c, sizeof c, r->types.t[i].bytes));
		}
		table_print(&tab, t, 1);
	}
	fprintf(t->out, "\nKV cache %s for %s tokens (%s, %s), %s for each further 1k tokens\n", format_bytes(a, sizeof a, r->kv),
		format_tokens(b, sizeof b, r->settings.ctx_tokens), q->formats[r->settings.kv_k].id, r->settings.engine->name, format_bytes(c, sizeof c, r->kv_1k));
	if (r->state)
		fprintf(t->out, "recurrent state %s for each sequence\n", format_bytes(a, sizeof a, r->state / r->settings.sequences));
	for (unsigned i = 0; i < m->n_warnings; i++)
		text_wrap(t, "note: ", 6, m->warnings[i]);
}

int cmd_inspect(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct model_arg m = { 0 };
	struct arena a = { 0 };
	struct report *r;
	int rc;

	if (o->n_args != 1)
		return error_set(err, E_USAGE, "inspect wants one FILE, not %d", o->n_args);
	if (!(r = arena_alloc(&a, sizeof *r))) {
		arena_free(&a);
		return error_set(err, E_NOMEM, "out of memory");
	}
	if ((rc = catalog_from(&c, o, err)) != OK || (rc = model_arg_open(&m, c, o->args[0], err)) != OK ||
	    (rc = settings_from(&r->settings, o, c, err)) != OK)
		goto out;
	if (m.entry) {
		error_set(err, E_FILE, "%s: no such file", o->args[0]);
		error_hint(err, "it is a catalogue entry: ullage show %s", m.entry->id);
		rc = E_FILE;
		goto out;
	}
	r->m = &m;
	r->dir = m.gguf ? &m.gguf->dir : m.st ? &m.st->dir : NULL;
	if ((rc = measure(r, c, &a, err)) != OK)
		goto out;
	if (o->json) {
		rc = print_json(r, catalog_quants(c), err);
	} else if (o->csv) {
		fputs("format,tensors,elements,bytes\n", stdout);
		for (unsigned i = 0; i < r->types.n; i++)
			printf("%s,%llu,%llu,%llu\n", r->types.t[i].name, (unsigned long long)r->types.t[i].tensors,
			       (unsigned long long)r->types.t[i].elements, (unsigned long long)r->types.t[i].bytes);
	} else {
		struct text t;
		text_open(&t, o);
		print_text(&t, r, catalog_quants(c));
	}
out:
	model_arg_close(&m);
	catalog_close(c);
	arena_free(&a);
	return rc;
}
