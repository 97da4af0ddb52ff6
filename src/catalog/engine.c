/* engine.c - reader of data/engines.yaml
 *
 * A figure is {value: N, source: KEY}, or the word unknown; KEY is one of the engine's sources. `like` takes another engine's
 * figures as defaults, but not what engine_use.c reads: the file must give that one before. */
#include "catalog/engine.h"

#include "base/str.h"
#include "catalog/engine_read.h"
#include <string.h>

const char *const state_type_names[] = {
	"k", "v", "latent", "index", "conv", "recurrent", "compressed", "index_v", "compressor", NULL
};
const char *const mla_cache_names[] = { "latent", "latent_and_v", "heads", NULL };
const char *const cache_rule_names[] = { "ideal", "slots", "pages", NULL };
static const char *const component_names[] = { "text", "mtp", "vision", "audio", NULL };
static const char *const vendor_keys[] = { "cuda", "rocm", "intel", "metal", NULL };

enum { MAX_ENGINES = 32 };

/* [gguf, hf]: a flag each. */
static int read_set(uint8_t *flag, unsigned n_flags, const char *const *names, struct engine_reader *r, const char *key)
{
	struct ynode *n = yaml_get(r->engine, key);
	const char *const *word;
	unsigned count;
	int rc;

	if (!n)
		return OK;
	if ((rc = engine_read_words(&word, &count, r, n)) != OK)
		return rc;
	memset(flag, 0, n_flags);
	for (unsigned i = 0; i < count; i++) {
		unsigned k = 0;
		while (names[k] && strcmp(names[k], word[i]))
			k++;
		if (!names[k] || k >= n_flags)
			return yaml_fail(r->d, n, r->err, "%s: %s is none of its words", key, word[i]);
		flag[k] = 1;
	}
	return OK;
}

/* k: {format: kv_k, source: KEY}; kv_k and kv_v: the user's choice; none: not kept. row_extra_bytes: scales beside a row. */
static int read_state(struct engine_profile *e, unsigned type, struct engine_reader *r, struct ynode *map)
{
	struct ynode *n = yaml_get(map, state_type_names[type]);
	const char *word = NULL;
	uint32_t extra = 0;
	int rc;

	if (!n)
		return OK;
	e->state[type].user = TYPE_FIXED;
	e->state[type].format = NO_FORMAT;
	e->state[type].unknown = n->kind == YAML_SCALAR && !strcmp(n->text, "unknown");
	if (e->state[type].unknown)
		return OK;
	if (n->kind != YAML_MAP)
		return yaml_fail(r->d, n, r->err, "%s: wants {format: ..., source: KEY} or unknown", state_type_names[type]);
	if ((rc = engine_check_source(r, n)) != OK || (rc = yaml_str(&word, r->d, n, "format", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_u32(&extra, r->d, n, "row_extra_bytes", 0, 255, YAML_OPTIONAL, r->err)) != OK)
		return rc;
	e->state[type].row_extra_bytes = (uint8_t)extra;
	if (!strcmp(word, "kv_k"))
		e->state[type].user = TYPE_USER_K;
	else if (!strcmp(word, "kv_v"))
		e->state[type].user = TYPE_USER_V;
	else if (strcmp(word, "none") && (e->state[type].format = format_find(r->q, word)) == NO_FORMAT)
		return yaml_fail(r->d, n, r->err, "%s: there is no format %s in %s", state_type_names[type], word, r->q->file);
	return yaml_finish(r->d, n, r->err);
}

static int read_states(struct engine_profile *e, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "state_types");
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK)
		return rc;
	for (unsigned t = 0; t < STATE_TYPES; t++)
		if ((rc = read_state(e, t, r, n)) != OK)
			return rc;
	return yaml_finish(r->d, n, r->err);
}

static int read_runtime(struct engine_profile *e, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "runtime_bytes");
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK)
		return rc;
	for (unsigned v = 0; vendor_keys[v]; v++)
		if ((rc = engine_read_known(&e->runtime_bytes[v], r, n, vendor_keys[v])) != OK)
			return rc;
	return yaml_finish(r->d, n, r->err);
}

static int read_notes(struct engine_profile *e, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "notes");
	unsigned count;
	int rc;

	if (!n)
		return OK;
	if ((rc = engine_read_words(&e->notes, &count, r, n)) != OK)
		return rc;
	e->n_notes = (uint8_t)count;
	return OK;
}

static int read_sources(struct engine_profile *e, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "sources");
	int rc;

	if (!n)
		return yaml_fail(r->d, r->engine, r->err, "%s: sources is missing", e->id);
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK)
		return rc;
	for (const struct ynode *c = n->child; c; c = c->next)
		if ((rc = yaml_want(r->d, c, YAML_SCALAR, r->err)) != OK)
			return rc;
	r->sources = n;
	return OK;
}

static int read_cache(struct engine_profile *e, struct engine_reader *r)
{
	int rc;

	if ((rc = yaml_enum(&e->cache, r->d, r->engine, "cache", cache_rule_names, YAML_OPTIONAL, r->err)) != OK ||
	    (rc = engine_read_u32(&e->context_pad, r, "context_pad", 1 << 20)) != OK ||
	    (rc = engine_read_u32(&e->window_pad, r, "window_pad", 1 << 20)) != OK ||
	    (rc = engine_read_u32(&e->compressed_pad, r, "compressed_pad", 1 << 20)) != OK ||
	    (rc = engine_read_flag(&e->unified, r, "unified")) != OK ||
	    (rc = yaml_enum(&e->mla_cache, r->d, r->engine, "mla_cache", mla_cache_names, YAML_OPTIONAL, r->err)) != OK ||
	    (rc = engine_read_flag(&e->v_widest, r, "v_widest_without_flash")) != OK ||
	    (rc = engine_read_flag(&e->v_quant_needs_flash, r, "v_quant_needs_flash")) != OK ||
	    (rc = engine_read_flag(&e->windows_full, r, "windows_full")) != OK ||
	    (rc = engine_read_archs(&e->full_span_in, r, "full_span_in")) != OK ||
	    (rc = engine_read_archs(&e->index_v_in, r, "index_v_in")) != OK ||
	    (rc = engine_read_u32(&e->page_tokens, r, "page_tokens", 1 << 20)) != OK ||
	    (rc = engine_read_flag(&e->page_groups, r, "page_groups")) != OK ||
	    (rc = engine_read_u32(&e->fixed_pages, r, "fixed_pages", 1 << 20)) != OK)
		return rc;
	if ((rc = engine_read_share(&e->utilisation, r, "utilisation")) != OK ||
	    (rc = engine_read_pick(&e->utilisation_of, r, "utilisation_of", engine_share_names)) != OK)
		return rc;
	return engine_read_held(e, r);
}

static int read_rest(struct engine_profile *e, struct engine_reader *r)
{
	int rc;

	if ((rc = engine_read_u32(&e->ubatch, r, "ubatch", 1 << 24)) != OK ||
	    (rc = engine_read_u32(&e->batch, r, "batch", 1 << 24)) != OK ||
	    (rc = engine_read_u32(&e->large_batch, r, "large_batch", 1 << 24)) != OK ||
	    (rc = engine_read_u64(&e->large_from_bytes, r, "large_from_bytes")) != OK ||
	    (rc = engine_read_u32(&e->graph_pad, r, "graph_pad", 1 << 20)) != OK ||
	    (rc = engine_read_flag(&e->logits_last, r, "logits_last")) != OK ||
	    (rc = engine_read_flag(&e->embed_on_host, r, "embed_on_host")) != OK ||
	    (rc = engine_read_flag(&e->splits_tensors, r, "splits_tensors")) != OK ||
	    (rc = engine_read_flag(&e->offloads_layers, r, "offloads_layers")) != OK ||
	    (rc = engine_read_flag(&e->offloads_experts, r, "offloads_experts")) != OK ||
	    (rc = engine_read_flag(&e->splits_layers, r, "splits_layers")) != OK || (rc = read_states(e, r)) != OK ||
	    (rc = read_runtime(e, r)) != OK ||
	    (rc = engine_read_known(&e->activation_bytes, r, r->engine, "activation_bytes")) != OK ||
	    (rc = engine_read_range(&e->activation_range, r, "activation_range")) != OK || (rc = engine_read_use(&e->use, r)) != OK)
		return rc;
	return read_notes(e, r);
}

static int read_like(struct engine_profile *e, const struct engines *before, struct engine_reader *r)
{
	const char *like = NULL;
	const struct engine_profile *other;
	int rc = yaml_str(&like, r->d, r->engine, "like", YAML_OPTIONAL, r->err);

	if (rc != OK)
		return rc;
	*e = (struct engine_profile){ 0 };
	for (unsigned t = 0; t < STATE_TYPES; t++)
		e->state[t].format = NO_FORMAT;
	if (!like)
		return OK;
	if (!(other = engine_find(before, like)))
		return yaml_fail(r->d, r->engine, r->err, "like: no engine %s before this one", like);
	*e = *other;
	e->use = (struct engine_use){ 0 };
	e->notes = NULL;
	e->n_notes = 0;
	return OK;
}

static int read_engine(struct engine_profile *e, const struct engines *before, struct engine_reader *r)
{
	int rc;

	if ((rc = yaml_want(r->d, r->engine, YAML_MAP, r->err)) != OK || (rc = read_like(e, before, r)) != OK)
		return rc;
	e->id = e->name = r->engine->key;
	if ((rc = yaml_str(&e->name, r->d, r->engine, "name", YAML_OPTIONAL, r->err)) != OK ||
	    (rc = yaml_str(&e->version, r->d, r->engine, "version", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_str(&e->source, r->d, r->engine, "source", YAML_NEED, r->err)) != OK || (rc = read_sources(e, r)) != OK ||
	    (rc = read_set(e->loads, PACKINGS, packing_names, r, "loads")) != OK ||
	    (rc = read_set(e->component, sizeof e->component, component_names, r, "components")) != OK ||
	    (rc = read_cache(e, r)) != OK || (rc = read_rest(e, r)) != OK)
		return rc;
	if (e->cache == CACHE_PAGES && !e->page_tokens)
		return yaml_fail(r->d, r->engine, r->err, "%s: cache pages, but page_tokens is missing", e->id);
	return yaml_finish(r->d, r->engine, r->err);
}

static int read_all(struct engines *out, const struct ydoc *d, struct arena *a, const struct quants *q, struct error *err)
{
	struct engine_reader r = { .d = d, .a = a, .q = q, .err = err };
	struct engine_profile *list;
	struct ynode *n;
	uint64_t schema;
	int rc;

	if ((rc = yaml_want(d, d->root, YAML_MAP, err)) != OK ||
	    (rc = yaml_u64(&schema, d, d->root, "schema", 1, 1, YAML_NEED, err)) != OK)
		return rc;
	if (!(n = yaml_get(d->root, "engines")))
		return yaml_fail(d, d->root, err, "engines: missing");
	if ((rc = yaml_want(d, n, YAML_MAP, err)) != OK)
		return rc;
	if (n->n > MAX_ENGINES)
		return yaml_fail(d, n, err, "%u engines, at most %d", n->n, MAX_ENGINES);
	if (!(list = arena_array(a, n->n + 1, sizeof *list)))
		return engine_no_memory(&r);
	out->file = d->file;
	out->profiles = list;
	for (struct ynode *c = n->child; c; c = c->next) {
		c->used = 1;
		r.engine = c;
		if ((rc = read_engine(&list[out->n_profiles], out, &r)) != OK)
			return rc;
		out->n_profiles++;
	}
	return yaml_finish(d, d->root, err);
}

int engines_parse(struct engines *out, struct arena *a, const char *file, const void *bytes, size_t n, const struct quants *q,
		  struct error *err)
{
	struct ydoc d;
	int rc = yaml_parse(&d, a, file, bytes, n, err);

	*out = (struct engines){ .file = file };
	return rc != OK ? rc : read_all(out, &d, a, q, err);
}

int engines_load(struct engines *out, struct arena *a, const char *path, const struct quants *q, struct error *err)
{
	struct ydoc d;
	int rc = yaml_load(&d, a, path, err);

	*out = (struct engines){ .file = path };
	return rc != OK ? rc : read_all(out, &d, a, q, err);
}

uint64_t engine_budget(const struct engine_profile *e, uint64_t usable)
{
	if (e->utilisation > 0)
		return (uint64_t)((double)usable * e->utilisation);
	for (unsigned i = 0; i < e->n_held; i++)
		if (usable < e->held[i].below)
			return usable > e->held[i].bytes ? usable - e->held[i].bytes : 0;
	return usable;
}

enum engine_says engine_runs_on(const struct engine_profile *e, unsigned vendor, int is_cpu, unsigned capability)
{
	unsigned on = is_cpu ? ON_CPU : vendor;
	uint8_t runs = SAYS_UNKNOWN;

	if (is_cpu || vendor <= ON_METAL)
		runs = e->use.on[on].runs;
	if (runs == SAYS_YES && on == ON_CUDA && capability && capability < e->use.on[on].min_capability)
		runs = SAYS_NO;
	/* what the maker's own interface does not carry, Vulkan may */
	if (runs == SAYS_NO && !is_cpu && vendor != ON_METAL && e->use.on[ON_VULKAN].runs == SAYS_YES)
		runs = SAYS_YES;
	return (enum engine_says)runs;
}

const struct engine_profile *engine_find(const struct engines *e, const char *name)
{
	for (unsigned i = 0; i < e->n_profiles; i++)
		if (str_ieq(e->profiles[i].id, name) || str_ieq(e->profiles[i].name, name))
			return &e->profiles[i];
	return NULL;
}
