/* cpu_attn.c - attention: queries and keys turned, rows stored, softmax over the states */
#include "engine/cpu.h"
#include "engine/cpu_build.h"

#include <math.h>
#include <string.h>

static unsigned char *entry_at(const struct program *p, const struct state_block *s, uint64_t token, uint32_t head)
{
	return state_at(p, s, (uint32_t)p->step->slot[token]) + head * s->head_bytes + (uint64_t)((uint32_t)p->step->position[token] % s->entries) * s->row_bytes;
}

static void norm_heads(const struct program *p, float *x, const float *w, uint64_t heads, uint64_t dim, uint64_t stride, int full)
{
	const struct ops *k = p->dev->ops;

	if (full && p->model->norm_type == NORM_RMS) {
		k->rms_norm(x, x, w, heads * dim, p->model->norm_eps);
		return;
	}
	for (uint64_t h = 0; h < heads; h++) {
		if (p->model->norm_type == NORM_RMS)
			k->rms_norm(x + h * stride, x + h * stride, w, dim, p->model->norm_eps);
		else
			k->layer_norm(x + h * stride, x + h * stride, w + (full ? h * dim : 0), NULL, dim, p->model->norm_eps);      /* Command R+, StableLM 2 12B: weights of each head */
	}
}

static void clamp(const struct program *p, float *x, uint64_t n)
{
	float limit = (float)p->hyper->clamp_qkv;

	for (uint64_t i = 0; i < n && limit > 0; i++)
		x[i] = fminf(fmaxf(x[i], -limit), limit);
}

/* Queries that grow with the position: Llama 4's of layers without rotary embedding (transformers modeling_llama4.py, attn_scale), or all. */
static void temper(const struct program *p, float *x, uint64_t n, int32_t position)
{
	double s = log(floor(((double)position + p->hyper->temperature_offset) / p->hyper->temperature_floor) + 1) * p->hyper->temperature_scale + 1;

	p->dev->ops->scale(x, (float)s, n);
}

/* q_heads query heads and kv_heads keys of one token, [from, to) of them all; queries first. */
static void qk_token(const struct program *p, const struct xop *o, uint64_t t, uint32_t from, uint32_t to)
{
	const struct gqa_spec *g = &o->part->u.gqa;
	const struct ops *k = p->dev->ops;
	const struct state_block *sk = o->state[0], *sv = o->state[1];
	uint32_t stride = (uint32_t)(o->n_in[0] / g->q_heads);   /* queries may stand beside their gate */
	float *q = o->in[0] + t * o->n_in[0], *key = o->in[1] ? o->in[1] + t * o->n_in[1] : NULL, *v = o->in[2] ? o->in[2] + t * o->n_in[2] : key;
	int whole = g->qk_norm == QK_NORM_FULL, late = p->hyper->norm_after_rope;
	const struct hyper_rope *r = g->rope == NO_ROPE ? NULL : &p->hyper->rope[g->rope];

	for (uint32_t h = from; h < to; h++) {
		int query = h < g->q_heads;
		float *x = query ? q + (uint64_t)h * stride : key + (uint64_t)(h - g->q_heads) * g->k_dim;
		const float *w = o->vec[query ? 0 : 1];
		if (!query && o->in[1] == NULL)
			break;                           /* this layer reads another's keys */
		if (!query) {                            /* before the key is turned: it may be the value too */
			uint32_t j = h - g->q_heads;
			const float *value = v + (uint64_t)j * g->v_dim;
			float own[MAX_HEAD];
			if (p->hyper->v_norm) {
				k->rms_norm(own, value, NULL, g->v_dim, p->model->norm_eps);
				value = own;
			}
			if (p->hyper->clamp_qkv > 0 || p->hyper->value_scale != 1) {
				memmove(own, value, g->v_dim * sizeof *own);
				clamp(p, own, g->v_dim);
				k->scale(own, (float)p->hyper->value_scale, g->v_dim);
				value = own;
			}
			k->store(entry_at(p, sv, t, j), sv->kernel_format, value, g->v_dim);
		}
		clamp(p, x, g->k_dim);
		if (w && !late && (!whole || h == 0 || h == g->q_heads))
			norm_heads(p, x, w, whole ? query ? g->q_heads : g->kv_heads : 1, g->k_dim, stride, whole);
		if (r) {
			k->rope(x, turns(p, g->rope, t), r->dims < g->k_dim ? r->dims : g->k_dim, p->model_adjacent);
			if (p->hyper->l2_qk)
				k->rms_norm(x, x, NULL, g->k_dim, p->model->norm_eps);
		}
		if (query && p->hyper->temperature_scale > 0 && p->hyper->temperature_floor && (!r || p->hyper->temperature_all))
			temper(p, x, g->k_dim, p->step->position[t]);
		if (w && late)
			norm_heads(p, x, w, 1, g->k_dim, stride, 0);
		if (!query)
			k->store(entry_at(p, sk, t, h - g->q_heads), sk->kernel_format, x, g->k_dim);
	}
}

static void mla_token(const struct program *p, const struct xop *o, uint64_t t)
{
	const struct mla_spec *s = &o->part->u.mla;
	const struct ops *k = p->dev->ops;
	uint32_t dims = s->rope == NO_ROPE ? 0 : p->hyper->rope[s->rope].dims < s->rope_dim ? p->hyper->rope[s->rope].dims : s->rope_dim;
	float *q = o->in[0] + t * o->n_in[0], *kv = o->in[1] + t * o->n_in[1];

	if (p->hyper->temperature_scale > 0 && p->hyper->temperature_floor && p->hyper->temperature_all)
		temper(p, q, (uint64_t)s->q_heads * (s->nope_dim + s->rope_dim), p->step->position[t]);
	for (uint32_t h = 0; h < s->q_heads && s->rope != NO_ROPE; h++)
		k->rope(q + (uint64_t)h * (s->nope_dim + s->rope_dim) + s->nope_dim, turns(p, s->rope, t), dims, p->model_adjacent);
	k->rms_norm(kv, kv, o->vec[1], s->kv_rank, p->model->norm_eps);
	if (s->rope != NO_ROPE)
		k->rope(kv + s->kv_rank, turns(p, s->rope, t), dims, p->model_adjacent);
	k->store(entry_at(p, o->state[0], t, 0), o->state[0]->kernel_format, kv, s->kv_rank + s->rope_dim);
}

void run_qk(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b;

	if (o->part->type == PART_MLA) {
		tokens_of(&a, &b, p, p->tokens, thread);
		for (uint64_t t = a; t < b; t++)
			mla_token(p, o, t);
		return;
	}
	const struct gqa_spec *g = &o->part->u.gqa;
	uint32_t heads = g->q_heads + g->kv_heads;
	if (p->mode == ONE && g->qk_norm != QK_NORM_FULL) {
		share_of(&a, &b, heads, 1, thread, p->dev->threads);
		qk_token(p, o, 0, (uint32_t)a, (uint32_t)b);
		return;
	}
	tokens_of(&a, &b, p, p->tokens, thread);
	for (uint64_t t = a; t < b; t++)
		qk_token(p, o, t, 0, heads);
}

/* MLA: [absorbed query of kv_rank, rotary part] of each head side by side */
void run_concat(struct program *p, const struct xop *o, unsigned thread)
{
	const struct mla_spec *s = &o->part->u.mla;
	uint64_t a, b, row = s->kv_rank + s->rope_dim, q_row = s->nope_dim + s->rope_dim;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++)
		for (uint64_t h = 0; h < s->q_heads; h++) {
			float *out = o->out[0] + t * o->n_out[0] + h * row;
			memcpy(out, o->in[0] + t * o->n_in[0] + h * s->kv_rank, s->kv_rank * sizeof *out);
			memcpy(out + s->kv_rank, o->in[1] + t * o->n_in[1] + h * q_row + s->nope_dim, s->rope_dim * sizeof *out);
		}
}

static struct attn_args attn_of(const struct program *p, const struct xop *o)
{
	const struct state_block *k = o->state[0], *v = o->state[1];
	struct attn_args a = { .format_k = k->kernel_format, .format_v = v->kernel_format, .k_head_bytes = k->head_bytes, .k_row_bytes = k->row_bytes,
		.v_head_bytes = v->head_bytes, .v_row_bytes = v->row_bytes, .ring = k->entries, .q = o->in[0], .q_stride = o->n_in[0], .out = o->out[0], .out_stride = o->n_out[0], .sinks = o->vec[0] };

	if (o->part->type == PART_MLA) {
		const struct mla_spec *s = &o->part->u.mla;
		a.q_heads = s->q_heads;
		a.kv_heads = 1;
		a.k_dim = s->kv_rank + s->rope_dim;
		a.v_dim = s->kv_rank;
		a.q_head_stride = a.k_dim;
		a.scale = (float)(p->hyper->attn_scale > 0 ? p->hyper->attn_scale : 1 / sqrt((double)s->nope_dim + s->rope_dim));
		return a;
	}
	const struct gqa_spec *g = &o->part->u.gqa;
	a.q_heads = g->q_heads;
	a.kv_heads = g->kv_heads;
	a.k_dim = g->k_dim;
	a.v_dim = g->v_dim;
	a.q_head_stride = (uint32_t)(o->n_in[0] / g->q_heads);
	a.scale = g->scale > 0 ? g->scale : (float)(p->hyper->attn_scale > 0 ? p->hyper->attn_scale : 1 / sqrt((double)g->k_dim));
	a.softcap = g->softcap;
	a.window = g->span == SPAN_WINDOW ? g->span_tokens : 0;
	a.chunk = g->span == SPAN_CHUNK ? g->span_tokens : 0;
	return a;
}

uint64_t attn_scratch_bytes(const struct program *p, const struct xop *x)
{
	struct attn_args a = attn_of(p, x);

	a.tokens = a.token1 = p->lim.max_tokens;
	a.head1 = a.q_heads;
	return p->dev->ops->attn_scratch(&a);
}

static void attend(const struct program *p, const struct xop *o, struct attn_args a, const struct token_run *r, void *scratch)
{
	a.k = state_at(p, o->state[0], r->slot);
	a.v = state_at(p, o->state[1], r->slot);
	a.q += r->token * a.q_stride;
	a.out += r->token * a.out_stride;
	a.first = r->first;
	a.tokens = r->n;
	p->dev->ops->attn(&a, scratch);
}

/* The entries that an indexer chose for heads [head0, end) of token t, as far as one list serves them: returns where it ends. */
static uint64_t chosen(struct attn_args *a, const struct xop *o, uint64_t t, uint64_t end)
{
	uint32_t lists = o->part->type == PART_MLA ? 1 : a->kv_heads, each = a->q_heads / lists, list = a->head0 / each;
	const uint32_t *choice = (const uint32_t *)(const void *)(o->in[1] + t * o->n_in[1] + list * (o->n_in[1] / lists));

	if (end > (uint64_t)(list + 1) * each)
		end = (uint64_t)(list + 1) * each;
	a->head1 = (uint32_t)end;
	a->n_entries = choice[0];
	a->entries = choice[0] ? choice + 1 : NULL;      /* 0: all that it sees */
	return end;
}

enum { ATTN_TOKENS = 64 };               /* of one item: K and V blocks are converted once for so many */

/* One token a run: heads of all runs side by side, each thread its stretch. Else items of a K/V head and so many tokens, the last (longest) first, whoever comes. */
void run_attn(struct program *p, const struct xop *o, unsigned thread)
{
	struct attn_args a = attn_of(p, o);
	uint32_t group = a.q_heads / a.kv_heads, threads = p->dev->threads;

	if (p->n_runs == p->tokens || o->in[1]) {
		uint64_t from, to;
		share_of(&from, &to, (uint64_t)p->tokens * a.q_heads, 1, thread, threads);
		while (from < to) {
			uint64_t r = from / a.q_heads, end = (r + 1) * a.q_heads < to ? (r + 1) * a.q_heads : to;
			a.head0 = (uint32_t)(from - r * a.q_heads);
			a.head1 = (uint32_t)(end - r * a.q_heads);
			a.token0 = 0;
			a.token1 = 1;
			struct token_run one = { .token = (uint32_t)r, .n = 1, .slot = (uint32_t)p->step->slot[r], .first = (uint32_t)p->step->position[r] };
			if (o->in[1])
				end = chosen(&a, o, r, end - r * a.q_heads) + r * a.q_heads;
			attend(p, o, a, &one, scratch_of(p, thread));
			from = end;
		}
		return;
	}
	/* few K/V heads: their queries are shared out too */
	uint32_t pieces = a.kv_heads >= threads ? 1 : (threads + a.kv_heads - 1) / a.kv_heads, blocks = 0;
	pieces = pieces > group ? group : pieces;
	for (uint32_t r = 0; r < p->n_runs; r++)
		blocks += (p->runs[r].n + ATTN_TOKENS - 1) / ATTN_TOKENS;
	uint32_t items = blocks * a.kv_heads * pieces, i;
	while ((i = atomic_fetch_add(&p->next[o->index], 1)) < items) {
		uint32_t block = blocks - 1 - i / (a.kv_heads * pieces), head = i % (a.kv_heads * pieces), piece = head % pieces, r = 0;
		head /= pieces;
		while (block >= (p->runs[r].n + ATTN_TOKENS - 1) / ATTN_TOKENS)
			block -= (p->runs[r++].n + ATTN_TOKENS - 1) / ATTN_TOKENS;
		a.head0 = head * group + group * piece / pieces;
		a.head1 = head * group + group * (piece + 1) / pieces;
		a.token0 = block * ATTN_TOKENS;
		a.token1 = a.token0 + ATTN_TOKENS < p->runs[r].n ? a.token0 + ATTN_TOKENS : p->runs[r].n;
		attend(p, o, a, &p->runs[r], scratch_of(p, thread));
	}
}
