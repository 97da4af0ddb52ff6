/* state.c - what each layer keeps between tokens, from its parts */
#include "calc/state.h"

#include "base/units.h"

#include <string.h>

/* A part keeps at most so many states; the same part may serve text layers and MTP blocks. */
enum { ITEMS_A_PART = 6, MAX_ITEMS = 2 * MAX_PARTS * ITEMS_A_PART };

struct items { struct state_item s[MAX_ITEMS]; unsigned n; };

static int same(const struct state_item *a, const struct state_item *b)
{
	return a->role == b->role && a->growth == b->growth && a->type_rule == b->type_rule && a->span == b->span &&
	       a->row == b->row && a->rows == b->rows && a->read_entries == b->read_entries && a->cut_pieces == b->cut_pieces &&
	       a->mtp == b->mtp;
}

/* More layers of an item that is there already, or a new one. 0 rows: nothing is kept. */
static int add(struct items *l, const struct state_item *s, const struct layer_set *layer, struct error *err)
{
	unsigned i = 0;

	if (!s->row || !s->rows)
		return OK;
	while (i < l->n && !same(&l->s[i], s))
		i++;
	if (i == l->n) {
		if (l->n == MAX_ITEMS)
			return error_set(err, E_FORMAT, "more than %d kinds of state in one model", MAX_ITEMS);
		l->s[l->n++] = *s;
	}
	for (unsigned j = 0; j < 8; j++)
		l->s[i].layers.bit[j] |= layer->bit[j];
	return OK;
}

/* Pieces that divide into more than 65535 are as good as 65535. */
static uint16_t pieces(uint32_t n)
{
	return n > UINT16_MAX ? UINT16_MAX : n ? (uint16_t)n : 1;
}

static int add_row(struct items *l, struct state_item s, enum state_role role, enum state_type type, uint32_t row, uint32_t rows,
		   uint32_t cut, const struct layer_set *layer, struct error *err)
{
	s.role = (uint16_t)role;
	s.type_rule = (uint8_t)type;
	s.row = row;
	s.rows = rows;
	s.cut_pieces = pieces(cut);
	return add(l, &s, layer, err);
}

static int has_index(const struct index_spec *x)
{
	return x->q_heads && x->k_heads && x->own == OWN_STATE;
}

/* Entries that a query reads of what the indexer chooses from: tokens, or whole blocks. A layer that owns no indexer follows the
 * choice of an earlier one. */
static uint32_t index_reads(const struct index_spec *x)
{
	uint64_t blocks = (uint64_t)x->top_blocks * x->block_tokens;

	return !x->q_heads ? 0 : x->top_tokens ? x->top_tokens : blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

static int walk_gqa(struct items *l, const struct gqa_spec *g, struct state_item s, const struct layer_set *layer, struct error *err)
{
	static const uint8_t growth[] = { [SPAN_FULL] = GROW_TOKEN, [SPAN_WINDOW] = GROW_WINDOW, [SPAN_CHUNK] = GROW_CHUNK };
	struct state_item index = s;
	int rc;

	if (g->own == REUSE_LAST)
		return OK;
	s.growth = growth[g->span];
	s.span = g->span == SPAN_FULL ? 0 : g->span_tokens;
	s.read_entries = index_reads(&g->index);
	if ((rc = add_row(l, s, STATE_K, TYPE_KV_K, g->k_dim, g->kv_heads, g->kv_heads, layer, err)) != OK ||
	    (rc = add_row(l, s, STATE_V, TYPE_KV_V, g->v_dim, g->kv_heads, g->kv_heads, layer, err)) != OK || !has_index(&g->index))
		return rc;
	index.growth = GROW_TOKEN;
	if ((rc = add_row(l, index, STATE_INDEX, TYPE_INDEX, g->index.dim, g->index.k_heads, 1, layer, err)) != OK)
		return rc;
	return add_row(l, index, STATE_INDEX, TYPE_INDEX_V, g->v_dim, g->index.k_heads, 1, layer, err);
}

static int walk_mla(struct items *l, const struct mla_spec *a, struct state_item s, const struct layer_set *layer, struct error *err)
{
	struct state_item index = s;
	uint32_t row;
	int rc;

	if (__builtin_add_overflow(a->kv_rank, a->rope_dim, &row))
		return error_set(err, E_FORMAT, "a latent of %u + %u elements overflows", a->kv_rank, a->rope_dim);
	if (__builtin_mul_overflow(a->q_heads, a->nope_dim + a->rope_dim, &s.heads_k) || __builtin_mul_overflow(a->q_heads, a->v_dim, &s.heads_v))
		return error_set(err, E_FORMAT, "%u heads overflow", a->q_heads);
	s.latent_v = a->kv_rank;
	s.read_entries = index_reads(&a->index);
	if ((rc = add_row(l, s, STATE_LATENT, TYPE_LATENT, row, 1, 1, layer, err)) != OK || !has_index(&a->index))
		return rc;
	return add_row(l, index, STATE_INDEX, TYPE_INDEX, a->index.dim, a->index.k_heads, 1, layer, err);
}

/* A compressor of ratio r makes one row of r tokens, or of the last 2 r where its windows overlap (ratio 4: two halves of
 * twice the width); the unfinished rows and their scores are kept in f32 (llama.cpp 0c1e57098, src/llama-kv-cache-dsv4.cpp). */
static int walk_compressor(struct items *l, struct state_item s, uint32_t dim, uint32_t ratio, const struct layer_set *layer, struct error *err)
{
	uint32_t overlap = ratio < 128 ? 2 : 1, rows, row;

	if (__builtin_mul_overflow(ratio, 2 * overlap, &rows) || __builtin_mul_overflow(dim, overlap, &row))
		return error_set(err, E_FORMAT, "a compressor of ratio %u over %u elements overflows", ratio, dim);
	s.growth = GROW_FIXED;
	s.span = 0;
	return add_row(l, s, STATE_COMPRESSOR, TYPE_COMPRESSOR, row, rows, 1, layer, err);
}

static int walk_csa(struct items *l, const struct csa_spec *c, struct state_item s, const struct layer_set *layer, struct error *err)
{
	struct state_item window = s;
	int rc;

	window.growth = GROW_WINDOW;
	window.span = c->window;
	if ((rc = add_row(l, window, STATE_LATENT, TYPE_LATENT, c->row_dim, 1, 1, layer, err)) != OK || !c->ratio)
		return rc;
	s.growth = GROW_RATIO;
	s.span = c->ratio;
	s.read_entries = index_reads(&c->index);
	if ((rc = add_row(l, s, STATE_COMPRESSED, TYPE_COMPRESSED, c->row_dim, 1, 1, layer, err)) != OK ||
	    (rc = walk_compressor(l, s, c->row_dim, c->ratio, layer, err)) != OK || !has_index(&c->index))
		return rc;
	s.read_entries = 0;
	if ((rc = add_row(l, s, STATE_INDEX, TYPE_INDEX, c->index.dim, c->index.k_heads, 1, layer, err)) != OK)
		return rc;
	return walk_compressor(l, s, c->index.dim, c->ratio, layer, err);
}

/* A recurrent matrix and the last kernel - 1 inputs of the short convolution. */
static int walk_recurrent(struct items *l, struct state_item s, uint32_t row, uint64_t rows, uint64_t channels, uint32_t kernel,
			  uint32_t cut, const struct layer_set *layer, struct error *err)
{
	int rc;

	if (rows > UINT32_MAX || channels > UINT32_MAX)
		return error_set(err, E_FORMAT, "a recurrent state of %llu rows and %llu channels overflows", (unsigned long long)rows,
				 (unsigned long long)channels);
	s.growth = GROW_FIXED;
	if ((rc = add_row(l, s, STATE_RECURRENT, TYPE_RECURRENT, row, (uint32_t)rows, cut, layer, err)) != OK || kernel < 2)
		return rc;
	return add_row(l, s, STATE_CONV, TYPE_CONV, kernel - 1, (uint32_t)channels, cut, layer, err);
}

static int walk_part(struct items *l, const struct model_spec *m, const struct part *p, struct state_item s, const struct layer_set *layer,
		     struct error *err)
{
	const struct delta_spec *d = &p->u.delta;
	const struct mamba2_spec *b = &p->u.mamba2;

	switch ((enum part_type)p->type) {
	case PART_GQA: return walk_gqa(l, &p->u.gqa, s, layer, err);
	case PART_MLA: return walk_mla(l, &p->u.mla, s, layer, err);
	case PART_CSA: return walk_csa(l, &p->u.csa, s, layer, err);
	case PART_DELTA:
		return walk_recurrent(l, s, d->k_dim, (uint64_t)d->v_heads * d->v_dim,
				      2 * ((uint64_t)d->k_heads * d->k_dim) + (uint64_t)d->v_heads * d->v_dim, d->conv_kernel,
				      d->v_heads, layer, err);
	case PART_MAMBA2:
		return walk_recurrent(l, s, b->state, (uint64_t)b->heads * b->head_dim,
				      (uint64_t)b->heads * b->head_dim + 2 * ((uint64_t)b->groups * b->state), b->conv_kernel,
				      b->heads, layer, err);
	case PART_CONV: return walk_recurrent(l, s, 0, 0, m->width, p->u.conv.kernel, m->width, layer, err);
	case PART_MLP: case PART_MOE: case PART_TYPES: break;
	}
	return OK;
}

static int walk_kind(struct items *l, const struct model_spec *m, const struct layer_kind *k, int mtp, const struct layer_set *layer,
		     struct error *err)
{
	struct state_item s = { .growth = GROW_TOKEN, .mtp = (uint8_t)mtp };
	int rc = OK;

	for (unsigned b = 0; b < k->n_branches && rc == OK; b++)
		for (unsigned p = 0; p < k->branch[b].n_parts && rc == OK; p++)
			rc = walk_part(l, m, &m->parts[k->branch[b].part[p]], s, layer, err);
	return rc;
}

/* The widest V entry counts every layer of the model, those too that own no cache (llama.cpp, hparams.n_embd_v_gqa_max). */
static void read_peers(struct state_peers *out, const struct model_spec *m, const struct items *l)
{
	uint64_t kv[GROWTHS][MAX_LAYERS];

	for (unsigned g = 0; g < GROWTHS; g++)
		memset(kv[g], 0, m->n_layers * sizeof kv[g][0]);
	*out = (struct state_peers){ .architecture = m->architecture ? m->architecture : "" };
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].type == PART_GQA) {
			uint64_t w = (uint64_t)m->parts[i].u.gqa.v_dim * m->parts[i].u.gqa.kv_heads;
			if (w > out->v_widest)
				out->v_widest = w > UINT32_MAX ? UINT32_MAX : (uint32_t)w;
		}
	for (unsigned i = 0; i < l->n; i++) {
		const struct state_item *s = &l->s[i];
		uint64_t entry = (uint64_t)s->row * s->rows;
		if (s->role == STATE_CONV && entry > out->conv)
			out->conv = entry;
		if (s->role == STATE_INDEX || s->role == STATE_CONV || s->role == STATE_COMPRESSOR || s->mtp)
			continue;
		for (unsigned j = layer_first(&s->layers); j < m->n_layers; j = layer_next(&s->layers, j)) {
			uint64_t *sum = &kv[s->growth][j];
			out->layers[s->growth] += *sum == 0 && entry != 0;
			if (u64_add(sum, *sum, entry) || *sum > out->entry[s->growth])
				out->entry[s->growth] = *sum;
		}
	}
}

int state_walk(const struct model_spec *m, int with_mtp, state_fn *emit, void *user, struct error *err)
{
	struct items l;
	struct state_peers peers;
	struct layer_set of_kind[MAX_KINDS] = { { { 0 } } }, mtp = { { 0 } };
	uint16_t kinds[MAX_KINDS];
	unsigned blocks = with_mtp ? m->mtp.layers : 0, n_kinds = 0;
	int rc;

	l.n = 0;
	for (uint32_t i = 0; i < m->n_layers; i++) {
		if (!layer_count(&of_kind[m->kind_of[i]]))
			kinds[n_kinds++] = m->kind_of[i];        /* in the order in which they are met */
		layer_add(&of_kind[m->kind_of[i]], i);
	}
	for (unsigned k = 0; k < n_kinds; k++)
		if ((rc = walk_kind(&l, m, &m->kinds[kinds[k]], 0, &of_kind[kinds[k]], err)) != OK)
			return rc;
	for (unsigned i = 0; i < blocks && m->n_layers + i < MAX_LAYERS; i++)
		layer_add(&mtp, m->n_layers + i);
	if (layer_count(&mtp) && (rc = walk_kind(&l, m, &m->kinds[m->mtp.kind], 1, &mtp, err)) != OK)
		return rc;
	read_peers(&peers, m, &l);
	for (unsigned i = 0; i < l.n; i++) {
		l.s[i].peers = peers;
		if ((rc = emit(user, &l.s[i], err)) != OK)
			return rc;
	}
	return OK;
}
