/* weights_bind.c - the tensors that a model's layers have, found among those that are stored */
#include "engine/weights_private.h"

#include "base/units.h"
#include "calc/part_tensors.h"

#include <stdlib.h>
#include <string.h>

struct binder {
	struct weights *w;
	struct store *s;
	struct error *err;
	struct weight *t; uint32_t n, cap;
};
#define TRY(x) do { int rc_ = (x); if (rc_ != OK) return rc_; } while (0)

static int by_place(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return strcmp(x->name, y->name);
}
static int by_id(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	return x->layer != y->layer ? (x->layer < y->layer ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

static struct stored *look(const struct binder *b, unsigned id, int layer)
{
	const struct stored key = { .id = (uint16_t)id, .layer = layer, .name = "" };
	uint32_t lo = 0, hi = b->s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (by_place(&b->s->t[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->s->n && b->s->t[lo].id == id && b->s->t[lo].layer == layer ? &b->s->t[lo] : NULL;
}

static int add(struct binder *b, struct weight t)
{
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? 2 * b->cap : 256;
		struct weight *more = realloc(b->t, cap * sizeof *more);
		if (!more)
			return error_set(b->err, E_NOMEM, "%s: out of memory", b->w->file);
		b->t = more;
		b->cap = cap;
	}
	b->t[b->n++] = t;
	return OK;
}

/* Bytes of n elements of a row; a format of tiles has none that can be cut out. */
static uint64_t row_bytes(const struct binder *b, const struct stored *s)
{
	const struct format *f = &b->w->quants->formats[s->format];

	return f->block ? s->ne[0] / f->block * f->bytes : s->ne[0] * f->bits / 8;
}

static int wrong_shape(const struct binder *b, const struct stored *s, const uint64_t ne[3])
{
	return error_set(b->err, E_FILE, "%s: tensor " STORED_NAME_LIKE " is %llu x %llu x %llu, where the model wants %llu x %llu x %llu", b->w->file,
		s->name, (unsigned long long)s->ne[0], (unsigned long long)s->ne[1], (unsigned long long)s->ne[2], (unsigned long long)ne[0],
		(unsigned long long)ne[1], (unsigned long long)ne[2]);
}

static int has_kernel(const struct binder *b, const struct stored *s)
{
	if (weights_kernel_format(b->w->quants, s->format) != UINT32_MAX)
		return OK;
	return error_set(b->err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " is %s, which no kernel reads yet", b->w->file, s->name,
		b->w->quants->formats[s->format].name);
}

/* Rows [row, row + ne[1]) of each of ne[2] matrices of s, whose own rows are `rows`. */
static int add_view(struct binder *b, struct stored *s, unsigned id, int layer, uint64_t row, const uint64_t ne[3], uint64_t rows)
{
	uint64_t bytes = row_bytes(b, s);

	s->used = 1;
	TRY(has_kernel(b, s));
	return add(b, (struct weight){ .id = (uint16_t)id, .format = s->format, .layer = layer, .ne = { ne[0], ne[1], ne[2] }, .stride = rows * bytes,
		.data = (const unsigned char *)s->data + row * bytes, .name = s->name });
}

/* All of s. Vectors may be stored in any shape (norms of groups, Mamba's columns). */
static int add_whole(struct binder *b, struct stored *s, const struct shape_of *want, unsigned id, int layer)
{
	const uint64_t *ne = want->ne;
	uint64_t n;
	int whole = !u64_mul(&n, ne[0], ne[1]) && !u64_mul(&n, n, ne[2]);
	int vector = ne[1] == 1 && ne[2] == 1, fits = whole && s->ne[0] * s->ne[1] * s->ne[2] * s->ne[3] == n;

	/* depthwise filters are a matrix, or as in the original weights one of a single row a channel */
	if (!vector && want->role != ROLE_SSM_CONV && want->role != ROLE_CONV)
		fits = s->ne[0] == ne[0] && s->ne[1] == ne[1] && s->ne[2] == ne[2] && s->ne[3] == 1;
	else if (!vector)
		fits = fits && s->ne[0] == ne[0];
	if (!fits)
		return wrong_shape(b, s, ne);
	return add_view(b, s, id, layer, 0, ne, ne[1]);
}

/* Part of a fused matrix: `before` rows of others come first, `all` in total. 0: there is no such tensor, 1: done. */
static int from_fused(struct binder *b, const struct shape_of *want, unsigned fused, int layer, uint64_t before, uint64_t all)
{
	struct stored *s = look(b, fused, layer);
	uint64_t ne[3] = { want->ne[0], all, want->ne[2] };

	if (!s)
		return 0;
	if (s->ne[0] != ne[0] || s->ne[1] != ne[1] || s->ne[2] != ne[2] || s->ne[3] != 1)
		return wrong_shape(b, s, ne);
	TRY(add_view(b, s, want->id, layer, before, want->ne, all));
	return 1;
}
static int from_fused_vector(struct binder *b, const struct shape_of *want, unsigned fused, int layer, uint64_t before, uint64_t all)
{
	struct stored *s = look(b, fused, layer);
	const uint64_t ne[3] = { all, 1, 1 };

	if (!s)
		return 0;
	const struct format *f = &b->w->quants->formats[s->format];
	if (s->ne[0] != all || s->ne[1] * s->ne[2] * s->ne[3] != 1 || f->block > 1)
		return wrong_shape(b, s, ne);
	s->used = 1;
	TRY(has_kernel(b, s));
	uint64_t one = f->block ? f->bytes : f->bits / 8;
	TRY(add(b, (struct weight){ .id = want->id, .format = s->format, .layer = layer, .ne = { want->ne[0], 1, 1 }, .stride = want->ne[0] * one,
		.data = (const unsigned char *)s->data + before * one, .name = s->name }));
	return 1;
}

static uint64_t rows_of(const struct shape_list *l, unsigned id)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->s[i].id == id)
			return l->s[i].ne[1] == 1 ? l->s[i].ne[0] : l->s[i].ne[1];       /* of a vector: its elements */
	return 0;
}
static int wants(const struct shape_list *l, unsigned id)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->s[i].id == id)
			return 1;
	return 0;
}
static int rows_before(uint64_t *before, uint64_t *all, const struct shape_list *l, const uint16_t *ids, unsigned n, unsigned id)
{
	int seen = 0;

	*before = *all = 0;
	for (unsigned i = 0; i < n; i++) {
		seen |= ids[i] == id;
		*all += rows_of(l, ids[i]);
		*before += seen ? 0 : rows_of(l, ids[i]);
	}
	return seen;
}

/* Another tensor that holds this one. 1: added, 0: none. */
static int instead(struct binder *b, const struct shape_list *l, const struct shape_of *want, int layer)
{
	static const struct { uint16_t fused, vector, n, id[3]; } fusions[] = {
		{ W_ATTN_QKV, 0, 3, { W_ATTN_Q, W_ATTN_K, W_ATTN_V } }, { W_ATTN_QKV_B, 1, 3, { W_ATTN_Q_B, W_ATTN_K_B, W_ATTN_V_B } },
		/* the first half is the gate: llama.cpp 0c1e57098 src/llama-graph.cpp, build_ffn (LLM_FFN_SWIGLU), build_moe_ffn (gate_up_exps) */
		{ W_FFN_UP, 0, 2, { W_FFN_GATE, W_FFN_UP, 0 } }, { W_FFN_UP_B, 1, 2, { W_FFN_GATE_B, W_FFN_UP_B, 0 } },
		{ W_EXP_GATE_UP, 0, 2, { W_EXP_GATE, W_EXP_UP, 0 } },
	};
	/* other names for the same tensor */
	static const struct { uint16_t id, other; } names[] = {
		{ W_ROUTER_BIAS, W_ROUTER_B }, { W_ROUTER_B, W_ROUTER_BIAS },
		{ W_ATTN_NORM, W_FFN_NORM }, { W_ATTN_NORM_B, W_FFN_NORM_B },    /* a feed-forward alone in its layer */
		{ W_FFN_NORM, W_POST_ATTN_NORM }, { W_FFN_NORM_B, W_POST_ATTN_NORM_B },  /* the original weights' name where nothing else has it */
		{ W_OUT_NORM, W_EMBED_NORM },                                    /* LFM2 (llama-arch.cpp, OUTPUT_NORM_LFM2) */
	};
	uint64_t before, all;

	for (unsigned i = 0; i < sizeof fusions / sizeof *fusions; i++) {
		if (!rows_before(&before, &all, l, fusions[i].id, fusions[i].n, want->id) || (fusions[i].fused != want->id && look(b, want->id, layer)))
			continue;
		int rc = fusions[i].vector ? from_fused_vector(b, want, fusions[i].fused, layer, before, all) : from_fused(b, want, fusions[i].fused, layer, before, all);
		if (rc)
			return rc;
	}
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		struct stored *s = names[i].id == want->id && !wants(l, names[i].other) ? look(b, names[i].other, layer) : NULL;
		if (s) {
			/* what a router's bias does depends on which it is */
			int rc = add_whole(b, s, want, want->role == ROLE_ROUTER_BIAS ? names[i].other : want->id, layer);
			return rc == OK ? 1 : rc;
		}
	}
	return 0;
}

static int bind_one(struct binder *b, const struct shape_list *l, const struct shape_of *want, int layer)
{
	struct stored *s = look(b, want->id, layer), *gate = look(b, W_ATTN_GATE, layer);
	int rc;

	/* fused under the name of one of its parts */
	if ((want->id == W_FFN_UP && s && wants(l, W_FFN_GATE) && !look(b, W_FFN_GATE, layer)) ||
	    (want->id == W_FFN_UP_B && s && wants(l, W_FFN_GATE_B) && !look(b, W_FFN_GATE_B, layer)))
		s = NULL;
	/* queries doubled by their gate, but stored apart */
	if (want->id == W_ATTN_Q && s && gate && !wants(l, W_ATTN_GATE) && 2 * s->ne[1] == want->ne[1]) {
		struct shape_of half = *want;
		half.ne[1] /= 2;
		TRY(add_whole(b, s, &half, W_ATTN_Q, layer));
		return add_whole(b, gate, &half, W_ATTN_GATE, layer);
	}
	if (s)
		return add_whole(b, s, want, want->id, layer);
	if ((rc = instead(b, l, want, layer)) != 0)
		return rc < 0 ? rc : OK;
	if (want->role == ROLE_ROPE_FACTORS)             /* made up from the description when no file has them (hyper.c) */
		return OK;
	if ((want->id == W_K_B || want->id == W_V_B) && look(b, W_KV_B, layer)) {
		error_set(b->err, E_ARCH, "%s: tensor blk.%d.%s holds keys and values of latent attention in one, which is not run", b->w->file, layer, weight_gguf(W_KV_B));
		error_hint(b->err, "llama.cpp has written them apart since April 2025: a file made since then runs");
		return E_ARCH;
	}
	if (!*weight_gguf(want->id))
		return error_set(b->err, E_ARCH, "%s: architecture %s has a %s tensor that no file format has a name for", b->w->file, b->w->model.architecture,
			want->role < ROLES ? role_names[want->role] : "?");
	return layer < 0 ? error_set(b->err, E_FILE, "%s: tensor %s is missing", b->w->file, weight_gguf(want->id)) :
		error_set(b->err, E_FILE, "%s: tensor blk.%d.%s is missing", b->w->file, layer, weight_gguf(want->id));
}

static int bind_list(struct binder *b, const struct shape_list *l, int layer)
{
	for (unsigned i = 0; i < l->n; i++) {
		int twice = 0;

		for (unsigned k = 0; k < i && !twice; k++)       /* tables of rope factors: one for several kinds of rotation */
			twice = l->s[k].id == l->s[i].id;
		if (!twice)
			TRY(bind_one(b, l, &l->s[i], layer));
	}
	return OK;
}

/* What a forward pass may leave alone: factors that the metadata do not call for, kv_b beside its halves, blocks that predict further tokens. */
static int left_over(const struct binder *b)
{
	for (uint32_t i = 0; i < b->s->n; i++) {
		const struct stored *s = &b->s->t[i];

		if (s->used || s->layer >= (int32_t)b->w->model.n_layers || s->id == W_ROPE_FREQS || s->id == W_ROPE_LONG || s->id == W_ROPE_SHORT || s->id == W_KV_B)
			continue;
		return error_set(b->err, E_ARCH, "%s: architecture %s: nothing here reads tensor " STORED_NAME_LIKE, b->w->file, b->w->model.architecture, s->name);
	}
	return OK;
}

/* Descriptions of GGUF files are read off their tensors, and a layer without a norm is a model too, only another one: what goes with a product in one layer
 * has to go with it in all. */
static int uneven(const struct binder *b)
{
	static const struct { uint16_t id, with; } pairs[] = { { W_ATTN_NORM, W_ATTN_OUT }, { W_FFN_NORM, W_FFN_DOWN }, { W_FFN_NORM, W_EXP_DOWN }, { W_FFN_GATE, W_FFN_DOWN } };

	if (!look(b, W_OUT_NORM, -1) && !look(b, W_EMBED_NORM, -1))
		return error_set(b->err, E_FILE, "%s: tensor %s is missing", b->w->file, weight_gguf(W_OUT_NORM));
	for (unsigned k = 0; k < sizeof pairs / sizeof *pairs; k++) {
		int32_t have = -1, lack = -1;
		for (int32_t i = 0; i < (int32_t)b->w->model.n_layers; i++)
			if (look(b, pairs[k].with, i))
				*(look(b, pairs[k].id, i) ? &have : &lack) = i;
		if (have >= 0 && lack >= 0)
			return error_set(b->err, E_FILE, "%s: tensor blk.%d.%s is missing, which blk.%d has", b->w->file, lack, weight_gguf(pairs[k].id), have);
	}
	return OK;
}

static int bind_all(struct binder *b)
{
	const struct model_spec *m = &b->w->model;
	/* as if nothing were fused: what is, answers in parts */
	struct packing_traits t = { .split_kv_b = 1, .rope_tables = 1, .res_scores_folded = 1 };
	struct shape_list l = { .n = 0 };

	TRY(uneven(b));
	model_head_tensors(&l, m, &t);
	model_tail_tensors(&l, m, &t);
	TRY(bind_list(b, &l, -1));
	if (m->tied_head && look(b, W_EMBED, -1))        /* without a vocabulary there are none */
		TRY(add_view(b, look(b, W_EMBED, -1), W_HEAD, -1, 0, (uint64_t[3]){ m->width, m->vocab, 1 }, m->vocab));
	for (uint32_t i = 0; i < m->n_layers; i++) {
		l.n = 0;
		t.split_beta_alpha = look(b, W_SSM_BETA_ALPHA, (int)i) == NULL;
		kind_tensors(&l, m, &m->kinds[m->kind_of[i]], &t);
		TRY(bind_list(b, &l, (int)i));
	}
	return left_over(b);
}

int weights_bind(struct weights *w, struct store *s, struct error *err)
{
	struct binder b = { .w = w, .s = s, .err = err };
	int rc;

	qsort(s->t, s->n, sizeof *s->t, by_place);
	rc = bind_all(&b);
	if (rc == OK && !(w->t = arena_array(&w->arena, b.n ? b.n : 1, sizeof *w->t)))
		rc = error_set(err, E_NOMEM, "%s: out of memory", w->file);
	if (rc == OK) {
		memcpy(w->t, b.t, b.n * sizeof *w->t);
		w->n = b.n;
		qsort(w->t, w->n, sizeof *w->t, by_id);
		w->bytes = 0;
		for (uint32_t i = 0; i < s->n && rc == OK; i++)
			if (s->t[i].used && u64_add(&w->bytes, w->bytes, s->t[i].bytes))
				rc = error_set(err, E_FILE, "%s: tensor sizes overflow 64 bits", w->file);
	}
	free(b.t);
	return rc;
}
