/* state_size.c - how many entries and bytes an engine allocates for a state */
#include "calc/state.h"

#include "base/units.h"
#include "calc/settings.h"
#include <string.h>

static int listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (!strcmp(*list, name))
			return 1;
	return 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t pad_to(uint64_t n, uint64_t to) { return to > 1 ? u64_round_up(n, to) : n; }

/* a + b, or the largest number: enough for what min() is taken of. */
static uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return u64_add(&sum, a, b) ? UINT64_MAX : sum;
}

static int too_many(const struct settings *set, struct error *err)
{
	return error_set(err, E_USAGE, "%llu tokens for each of %u sequences overflow 64 bits", (unsigned long long)set->ctx_tokens,
			 set->sequences ? set->sequences : 1);
}

/* The architecture's own count. */
static uint64_t ideal_entries(const struct state_item *s, uint64_t ctx)
{
	if (s->type_rule == TYPE_INDEX_V || s->type_rule == TYPE_COMPRESSOR)
		return 0;
	switch ((enum growth)s->growth) {
	case GROW_TOKEN: return ctx;
	case GROW_WINDOW: case GROW_CHUNK: return s->span ? min_u64(ctx, s->span) : ctx;
	case GROW_RATIO: return s->span ? ctx / s->span : ctx;
	case GROW_FIXED: return 1;
	}
	return 0;
}

/* llama.cpp 0c1e57098. Its n_ctx is the total over the sequences; src/llama-context.cpp pads it and divides it among the
 * sequences unless they share one run of cells (kv_unified). A window's cells: src/llama-kv-cache-iswa.cpp; batches are cut to
 * the context before. DeepSeek V4 keeps every sequence apart even when unified (src/llama-kv-cache-dsv4.cpp). MTP contexts have
 * neither indexer nor compressed rows (src/llama-model.cpp, create_memory). */
static int slot_entries(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct settings *set,
			struct error *err)
{
	uint64_t np = set->sequences ? set->sequences : 1, total, cells, batch = set->batch ? set->batch : e->batch, ubatch, streams;
	uint64_t n;

	if (s->growth == GROW_FIXED) {
		*out = s->mtp && s->role == STATE_COMPRESSOR ? 0 : np;
		return OK;
	}
	if (s->mtp && (s->role == STATE_INDEX || s->growth == GROW_RATIO)) {
		*out = 0;
		return OK;
	}
	if (u64_mul(&total, set->ctx_tokens, np))
		return too_many(set, err);
	cells = pad_to(e->unified ? total : set->ctx_tokens, e->context_pad);
	if (cells == UINT64_MAX)
		return too_many(set, err);
	ubatch = set->ubatch ? set->ubatch : e->ubatch ? e->ubatch : batch;
	if (batch)
		ubatch = min_u64(ubatch, batch);
	ubatch = min_u64(ubatch, total);
	streams = e->unified ? 1 : np;
	n = cells;
	if (s->growth == GROW_RATIO) {
		n = pad_to(max_u64(1, u64_ceil_div(cells, s->span ? s->span : 1)), e->compressed_pad);
		streams = np;
	} else if (s->growth != GROW_TOKEN && s->span) {
		int apart = s->role == STATE_LATENT;     /* DeepSeek V4's window rows */
		uint64_t window;
		if (u64_mul(&window, s->span, e->unified && !apart ? np : 1))
			return too_many(set, err);
		if (!set->swa_full && !e->windows_full && !listed(e->full_span_in, s->peers.architecture))
			n = pad_to(min_u64(cells, add_capped(window, ubatch)), e->window_pad);
		if (apart)
			streams = np;
	}
	return u64_mul(out, n, streams) ? too_many(set, err) : OK;
}

/* Layers of several kinds: how long the groups are that share one page table, and to how many layers a kind's are padded
 * (vLLM, kv_cache_utils.py, _get_kv_cache_groups_uniform_page_size). Indexer keys are pages of their own. */
static uint64_t padded_layers(const struct state_item *s, const struct engine_profile *e, uint64_t layers)
{
	uint64_t least = UINT64_MAX, most = 0, own = s->peers.layers[s->growth];
	unsigned kinds = 0;

	for (unsigned g = 0; g < GROWTHS; g++) {
		uint64_t n = s->peers.layers[g];
		if (!n || g == GROW_RATIO)
			continue;
		kinds++;
		least = min_u64(least, n);
		most = max_u64(most, n);
	}
	if (!e->page_groups || kinds < 2 || !own || s->mtp || s->growth == GROW_RATIO || s->role == STATE_INDEX)
		return layers;
	return layers * u64_round_up(own, most * 2 < least * 3 ? most : least) / own;
}

/* Tokens of a page of this kind: pages are of one size in bytes, so kinds with narrower entries have longer pages. */
static uint64_t page_tokens(const struct state_item *s, const struct engine_profile *e)
{
	uint64_t widest = 0, own = s->peers.entry[s->growth];

	for (unsigned g = 0; g < GROW_RATIO; g++)
		widest = max_u64(widest, s->peers.entry[g]);
	return e->page_groups && own && widest > own && s->role != STATE_INDEX ? e->page_tokens * (widest / own) : e->page_tokens;
}

/* vLLM, kv_cache_interface.py, max_memory_usage_bytes: what it sets aside for one sequence of the full context. */
static int page_entries(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct settings *set,
			struct error *err)
{
	uint64_t np = set->sequences ? set->sequences : 1, batch = set->batch ? set->batch : e->batch, n = set->ctx_tokens, extra = 0;
	uint64_t page = page_tokens(s, e), pages;

	if (s->growth == GROW_FIXED) {
		*out = s->type_rule == TYPE_COMPRESSOR ? 0 : np * (e->fixed_pages ? e->fixed_pages : 1);
		return OK;
	}
	if (s->type_rule == TYPE_INDEX_V) {
		*out = 0;
		return OK;
	}
	if (s->growth == GROW_RATIO)
		n = u64_ceil_div(n, s->span ? s->span : 1);
	if (s->growth == GROW_WINDOW && s->span && !e->windows_full) {
		n = min_u64(n, add_capped((uint64_t)s->span - 1, batch));
		extra = 1;               /* a window need not begin at the beginning of a page */
	}
	if (s->growth == GROW_CHUNK && s->span && !e->windows_full)
		n = min_u64(n, add_capped(s->span, batch));
	pages = add_capped(u64_ceil_div(n, page ? page : 1), extra);
	return u64_mul(&pages, pages, page ? page : 1) || u64_mul(out, pages, np) ? too_many(set, err) : OK;
}

int state_entries(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct settings *set,
		  struct error *err)
{
	*out = 0;
	switch ((enum cache_rule)e->cache) {
	case CACHE_IDEAL:
		if (u64_mul(out, ideal_entries(s, set->ctx_tokens), set->sequences ? set->sequences : 1))
			return too_many(set, err);
		return OK;
	case CACHE_SLOTS: break;
	case CACHE_PAGES: return page_entries(out, s, e, set, err);
	}
	if (s->type_rule == TYPE_INDEX_V && !listed(e->index_v_in, s->peers.architecture))
		return OK;
	return slot_entries(out, s, e, set, err);
}

/* A row of n elements; scales of tile formats lie beside it, what belongs to a whole tensor is not kept. */
static int row_bytes(uint64_t *out, const struct format *f, uint32_t n, const struct engine_profile *e, struct error *err)
{
	uint64_t bits;

	if (f->block) {
		if (n % f->block)
			return error_set(err, E_FORMAT, "%s: a row of %u elements is no multiple of the %u elements of a block of %s",
					 e->name, n, f->block, f->name);
		*out = (uint64_t)(n / f->block) * f->bytes;
		return OK;
	}
	bits = (uint64_t)n * f->bits;              /* both below 2^32 */
	*out = u64_ceil_div(bits, 8);
	for (unsigned i = 0; i < f->n_scales; i++)
		if (f->scale[i].tile1 == 1)
			*out += u64_ceil_div(n, f->scale[i].tile0 ? f->scale[i].tile0 : n ? n : 1) * f->scale[i].bytes;
	return OK;
}

/* Bytes of one row in the engine's format for it; 0: not kept. */
static int row_in_engine(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct quants *q,
			 const struct settings *set, struct error *err)
{
	uint8_t user = e->state[s->type_rule].user;
	uint16_t format = user == TYPE_USER_K ? set->kv_k : user == TYPE_USER_V ? set->kv_v : e->state[s->type_rule].format;
	int rc;

	*out = 0;
	if (e->state[s->type_rule].unknown)
		return error_set(err, E_FORMAT, "%s: in which format it keeps the state \"%s\" is unknown", e->name,
				 state_type_names[s->type_rule]);
	if (format == NO_FORMAT && !user)
		return OK;
	if (format >= q->n_formats)
		return error_set(err, E_FORMAT, "%s: no number format is given for %s", e->name, state_type_names[s->type_rule]);
	const struct format *f = &q->formats[format];
	if (user == TYPE_USER_V && e->v_quant_needs_flash && set->flash == FLASH_OFF && f->block > 1)
		return error_set(err, E_FORMAT, "%s: a V cache in %s needs flash attention, which is off", e->name, f->name);
	if ((rc = row_bytes(out, f, s->row, e, err)) != OK)
		return rc;
	*out += e->state[s->type_rule].row_extra_bytes;
	return OK;
}

/* Without flash attention llama.cpp keeps V transposed, every layer's as wide as the widest (src/llama-kv-cache.cpp). The
 * narrower row's format is never quantised then, so rows of the same length are simply more. */
static uint64_t rows_of(const struct state_item *s, const struct engine_profile *e, const struct settings *set, uint64_t *row)
{
	if (s->role != STATE_V || !e->v_widest || set->flash != FLASH_OFF)
		return s->rows;
	*row = *row / s->row;
	return s->peers.v_widest;
}

/* Bytes of the page that one recurrent state takes in vLLM: the attention's page, raised until it holds the state in whole runs
 * of page_tokens (kv_cache_interface.py, MambaSpec.page_size_padded). token_bytes: what a token of the attention takes. */
static int fixed_page(uint64_t *out, const struct engine_profile *e, uint64_t state_bytes, uint64_t token_bytes)
{
	uint64_t tokens;

	*out = state_bytes;
	if (!token_bytes)
		return 0;
	tokens = u64_round_up(u64_ceil_div(state_bytes, token_bytes), e->page_tokens);
	return u64_mul(out, tokens, token_bytes);
}

/* The recurrent matrix's share of that page: all but the convolution's. */
static int recurrent_in_page(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct quants *q,
			     const struct settings *set, uint64_t matrix_bytes, struct error *err)
{
	struct state_item k = { .role = STATE_K, .type_rule = TYPE_KV_K, .row = 256, .rows = 1 };
	struct state_item c = { .role = STATE_CONV, .type_rule = TYPE_CONV, .row = 1, .rows = 1 };
	uint64_t token = 0, conv = 0, state;
	int rc;

	if ((s->peers.layers[GROW_TOKEN] && (rc = row_in_engine(&token, &k, e, q, set, err)) != OK) ||
	    (s->peers.conv && (rc = row_in_engine(&conv, &c, e, q, set, err)) != OK))
		return rc;
	if (u64_mul(&token, token, s->peers.entry[GROW_TOKEN]) || u64_mul(&conv, conv, s->peers.conv) ||
	    u64_add(&state, matrix_bytes, conv) || fixed_page(out, e, state, token / k.row))
		return too_many(set, err);
	*out -= conv;
	return OK;
}

/* Forks of llama.cpp that keep more of MLA than the latent row: *row is its bytes, and becomes what they keep. */
static int mla_modes(uint64_t *row, const struct state_item *s, const struct engine_profile *e, const struct quants *q, const struct settings *set,
		     struct error *err)
{
	struct state_item k = { .role = STATE_K, .type_rule = TYPE_KV_K, .row = s->heads_k, .rows = 1 };
	struct state_item v = { .role = STATE_V, .type_rule = TYPE_KV_V, .row = e->mla_cache == MLA_HEADS ? s->heads_v : s->latent_v, .rows = 1 };
	uint64_t keys = *row, values;
	int rc;

	if ((e->mla_cache == MLA_HEADS && (rc = row_in_engine(&keys, &k, e, q, set, err)) != OK) || (rc = row_in_engine(&values, &v, e, q, set, err)) != OK)
		return rc;
	return u64_add(row, keys, values) ? too_many(set, err) : OK;
}

int state_bytes(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct quants *q,
		const struct settings *set, struct error *err)
{
	uint64_t entries, row, rows, one, layers = layer_count(&s->layers);
	int rc;

	*out = 0;
	if ((rc = state_entries(&entries, s, e, set, err)) != OK || !entries ||
	    (rc = row_in_engine(&row, s, e, q, set, err)) != OK || !row)
		return rc;
	rows = rows_of(s, e, set, &row);
	if (u64_mul(&one, row, rows))
		goto overflow;
	if (s->heads_k && e->mla_cache != MLA_LATENT && (rc = mla_modes(&one, s, e, q, set, err)) != OK)
		return rc;
	if (e->cache == CACHE_PAGES) {
		layers = padded_layers(s, e, layers);
		if (s->role == STATE_RECURRENT && e->page_groups && (rc = recurrent_in_page(&one, s, e, q, set, one, err)) != OK)
			return rc;
	}
	if (!u64_mul(&one, one, entries) && !u64_mul(out, one, layers ? layers : 1))
		return OK;
overflow:
	return error_set(err, E_USAGE, "%s: a cache of %llu entries in each of %llu layers, rows of %llu bytes, overflows 64 bits",
			 e->name, (unsigned long long)entries, (unsigned long long)layers, (unsigned long long)row);
}
