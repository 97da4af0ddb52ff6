/* cpu_index.c - indexers: which entries a token's attention reads
 *
 * DeepSeek V3.2 and GLM 5: the best tokens by the sum over heads of relu(q k) times the head's weight (llama.cpp 0c1e57098 src/models/deepseek32.cpp; its Hadamard
 * transform of both sides changes no score). MiniMax M3: the best blocks for every K/V head by their largest q k, the last ones always (minimax-m3.cpp). */
#include "engine/cpu_build.h"

#include <math.h>
#include <string.h>

static const struct index_spec *spec_of(const struct xop *o) { return o->part->type == PART_MLA ? &o->part->u.mla.index : &o->part->u.gqa.index; }
static uint32_t lists_of(const struct xop *o) { return o->part->type == PART_MLA ? 1 : o->part->u.gqa.kv_heads; }

static void norm(const struct program *p, float *x, const float *w, const float *b, unsigned kind, uint32_t n)
{
	if (kind == 2)                           /* deepseek32.cpp: eps of layer norms */
		p->dev->ops->layer_norm(x, x, w, b, n, 1e-6f);
	else if (kind == 1)
		p->dev->ops->rms_norm(x, x, w, n, p->model->norm_eps);
}

/* Queries and the key of each token: normed, turned; the key stored. DeepSeek V3.2 turns pairs (i, i + dims / 2) here, though (2i, 2i + 1) elsewhere. */
void run_index_rows(struct program *p, const struct xop *o, unsigned thread)
{
	const struct index_spec *s = spec_of(o);
	const struct state_block *st = o->state[0];
	unsigned rope = o->part->type == PART_MLA ? o->part->u.mla.rope : o->part->u.gqa.rope;
	int adjacent = p->hyper->index_halves ? 0 : p->model_adjacent;
	uint64_t a, b;

	tokens_of(&a, &b, p, p->tokens, thread);
	for (uint64_t t = a; t < b; t++) {
		float *k = o->in[1] + t * o->n_in[1];
		const float *cs = rope == NO_ROPE ? NULL : turns(p, rope, t);
		uint32_t dims = cs && p->hyper->rope[rope].dims < s->dim ? p->hyper->rope[rope].dims : s->dim;
		norm(p, k, o->vec[0], o->vec[1], s->k_norm, s->dim);
		if (cs)
			p->dev->ops->rope(k, cs, dims, adjacent);
		p->dev->ops->store(state_at(p, st, (uint32_t)p->step->slot[t]) + (uint64_t)((uint32_t)p->step->position[t] % st->entries) * st->row_bytes, st->kernel_format, k, s->dim);
		for (uint32_t h = 0; h < s->q_heads; h++) {
			float *q = o->in[0] + t * o->n_in[0] + (uint64_t)h * s->dim;
			norm(p, q, o->vec[2], o->vec[3], s->q_norm, s->dim);
			if (cs)
				p->dev->ops->rope(q, cs, dims, adjacent);
		}
	}
}

/* A thread's: one key as floats, the scores of all entries of each list, and the same again to look for the k-th of them. */
uint64_t index_scratch_bytes(const struct program *p, const struct xop *x)
{
	return (spec_of(x)->dim + (lists_of(x) + 1) * p->lim.ctx_tokens) * sizeof(float);
}

static float dot(const float *a, const float *b, uint32_t n)
{
	float s[8] = { 0 };

	for (uint32_t i = 0; i + 8 <= n; i += 8)
		for (unsigned k = 0; k < 8; k++)
			s[k] += a[i + k] * b[i + k];
	for (uint32_t i = n / 8 * 8; i < n; i++)
		s[0] += a[i] * b[i];
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* The k-th largest of n (k from 1); x is put in another order. */
static float kth(float *x, uint32_t n, uint32_t k)
{
	uint32_t from = 0, to = n - 1, want = k - 1;

	while (from < to) {
		float pivot = x[from + (to - from) / 2];
		uint32_t i = from, j = to;
		while (i <= j) {
			while (x[i] > pivot)
				i++;
			while (x[j] < pivot)
				j--;
			if (i <= j) {
				float y = x[i];
				x[i++] = x[j];
				x[j] = y;
				if (!j--)
					break;
			}
		}
		if (want <= j && j != UINT32_MAX)
			to = j;
		else if (want >= i)
			from = i;
		else
			break;
	}
	return x[want];
}

/* The best `top` of n scores, the first of equals first, as [count, rising places times unit .. + unit - 1], none at or beyond `end`. */
static void choose(uint32_t *out, const float *score, float *work, uint32_t n, uint32_t top, uint32_t unit, uint32_t end)
{
	uint32_t *to = out + 1, above = 0, left = top;

	if (n <= top) {
		out[0] = 0;
		return;
	}
	memcpy(work, score, n * sizeof *work);
	float least = kth(work, n, top);
	for (uint32_t i = 0; i < n; i++)
		above += score[i] > least;
	uint32_t equal = above < top ? top - above : 0;
	/* scores that are no numbers have no order: then it may be others, but never more */
	for (uint32_t i = 0; i < n && left; i++)
		if (score[i] > least || (score[i] == least && equal && equal--)) {
			for (uint32_t e = i * unit; e < (i + 1) * unit && e < end; e++)
				*to++ = e;
			left--;
		}
	out[0] = (uint32_t)(to - out - 1);
}

void run_index(struct program *p, const struct xop *o, unsigned thread)
{
	const struct index_spec *s = spec_of(o);
	const struct state_block *st = o->state[0];
	uint32_t lists = lists_of(o), unit = s->block_tokens ? s->block_tokens : 1, top = s->block_tokens ? s->top_blocks : s->top_tokens;
	float *key = scratch_of(p, thread), *score = key + s->dim, *work = score + lists * p->lim.ctx_tokens;
	uint64_t a, b;

	tokens_of(&a, &b, p, p->tokens, thread);
	for (uint64_t t = a; t < b; t++) {
		const float *q = o->in[0] + t * o->n_in[0], *weight = o->in[2] ? o->in[2] + t * o->n_in[2] : NULL;
		const unsigned char *rows = state_at(p, st, (uint32_t)p->step->slot[t]);
		uint32_t seen = (uint32_t)p->step->position[t] + 1, units = (seen + unit - 1) / unit;
		uint32_t *out = (uint32_t *)(void *)(o->out[0] + t * o->n_out[0]);
		for (uint32_t e = 0; units > top && e < seen; e++) {
			p->dev->ops->load(key, st->kernel_format, rows + (uint64_t)(e % st->entries) * st->row_bytes, s->dim);
			float sum = 0;
			for (uint32_t h = 0; h < s->q_heads; h++) {
				float x = dot(q + (uint64_t)h * s->dim, key, s->dim);
				float *of = score + h * p->lim.ctx_tokens + e / unit;
				if (weight)
					sum += fmaxf(x, 0) * weight[h];
				else
					*of = e % unit && *of > x ? *of : x;
			}
			if (weight)
				score[e] = sum;
		}
		for (uint32_t l = 0; l < lists; l++) {
			float *of = score + l * p->lim.ctx_tokens;
			for (uint32_t i = 0; unit > 1 && units > top && i < p->hyper->index_local_blocks && i < units; i++)
				of[units - 1 - i] = INFINITY;
			choose(out + l * (o->n_out[0] / lists), of, work, units, top, unit, seen);
		}
	}
}
