/* cpu_moe.c - experts: who is asked for which token, and their products row by row of the sorted tokens */
#include "engine/cpu.h"

#include <math.h>
#include <string.h>

/* The k best of n by value, the first of equals first; chosen ones are struck out of `by`. Values that are no numbers may bring one several times. */
static void best(uint32_t *id, float *by, uint32_t n, uint32_t k)
{
	for (uint32_t i = 0; i < k; i++) {
		uint32_t top = 0;
		for (uint32_t e = 1; e < n; e++)
			if (by[e] > by[top])
				top = e;
		id[i] = top;
		by[top] = -INFINITY;
	}
}

/* DeepSeek V3: only experts of the best groups, a group counting as much as its two best (llama.cpp src/llama-graph.cpp, build_moe_ffn). */
static void strike_groups(float *by, const struct moe_spec *e)
{
	uint32_t size, id[MAX_GROUPS];
	float sum[MAX_GROUPS];

	if (e->groups > MAX_GROUPS || e->groups < 2 || e->top_groups >= e->groups)
		return;
	size = e->experts / e->groups;
	for (uint32_t g = 0; g < e->groups; g++) {
		float a = -INFINITY, b = -INFINITY;
		for (uint32_t i = g * size; i < (g + 1) * size; i++) {
			if (by[i] > a) {
				b = a;
				a = by[i];
			} else if (by[i] > b) {
				b = by[i];
			}
		}
		sum[g] = size > 1 ? a + b : a;
	}
	best(id, sum, e->groups, e->top_groups);
	for (uint32_t g = 0; g < e->groups; g++)
		if (sum[g] != -INFINITY)         /* not chosen */
			for (uint32_t i = g * size; i < (g + 1) * size; i++)
				by[i] = -INFINITY;
}

static void route_row(const struct program *p, const struct xop *o, float *choice, const float *logits, float *probs, float *by)
{
	const struct moe_spec *e = &o->part->u.moe;
	uint32_t *id = (uint32_t *)(void *)choice, k = e->per_token, n = e->experts;
	float *weight = choice + k;
	double sum = 0;

	memcpy(probs, logits, n * sizeof *probs);
	if (e->router_scale)                     /* its input is divided by sqrt(width) (llama.cpp src/models/gemma4.cpp) */
		p->dev->ops->scale(probs, (float)(1 / sqrt((double)p->model->width)), n);
	if (e->score == SCORE_SOFTMAX)
		p->dev->ops->softmax(probs, n);
	else if (e->score == SCORE_SIGMOID)
		p->dev->ops->act(probs, logits, NULL, n, KA_SIGMOID);
	else if (e->score == SCORE_SQRT_SOFTPLUS)
		for (uint32_t i = 0; i < n; i++)
			probs[i] = (float)sqrt(logits[i] > 20 ? logits[i] : log1p(exp(logits[i])));
	for (uint32_t i = 0; i < n; i++)
		/* Llama 4 chooses before the sigmoid, whose floats near 1 may be equal (llama-graph.cpp, build_moe_ffn) */
		by[i] = (p->hyper->weight_before ? logits[i] : probs[i]) + (o->vec[0] ? o->vec[0][i] : 0);
	strike_groups(by, e);
	best(id, by, n, k);
	for (uint32_t i = 0; i < k; i++)
		weight[i] = probs[id[i]];
	if (e->score == SCORE_TOPK_SOFTMAX)
		p->dev->ops->softmax(weight, k);
	for (uint32_t i = 0; i < k; i++)
		sum += weight[i];
	for (uint32_t i = 0; i < k; i++)
		weight[i] = (float)(weight[i] * (o->vec[1] ? o->vec[1][id[i]] : 1) / (p->hyper->norm_topk && e->score != SCORE_TOPK_SOFTMAX ? sum > 6.103515625e-5 ? sum : 6.103515625e-5 : 1) * p->hyper->expert_scale);
}

void run_route(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_in[0];
	float *probs = p->row_own + thread * p->row_n;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++)
		route_row(p, o, o->out[0] + t * o->n_out[0], o->in[0] + t * n, probs, probs + n);
}

/* Rows sorted by expert: order[row] = token * k + which, start[e] the first row of expert e. */
static void sort_rows(struct program *p, const struct xop *o)
{
	const struct moe_spec *e = &o->part->u.moe;
	uint32_t n = xop_rows(p, o), k = e->per_token;

	memset(p->start, 0, (e->experts + 1) * sizeof *p->start);
	for (uint32_t t = 0; t < n; t++)
		for (uint32_t i = 0; i < k; i++)
			p->start[((const uint32_t *)(const void *)(o->in[1] + t * o->n_in[1]))[i] + 1]++;
	for (uint32_t i = 0; i < e->experts; i++)
		p->start[i + 1] += p->start[i];
	for (uint32_t t = 0; t < n; t++)
		for (uint32_t i = 0; i < k; i++) {
			uint32_t x = ((const uint32_t *)(const void *)(o->in[1] + t * o->n_in[1]))[i], row = p->start[x]++;
			p->order[row] = t * k + i;
			p->place[t * k + i] = row;
		}
	for (uint32_t i = e->experts; i > 0; i--)        /* starts again, not ends */
		p->start[i] = p->start[i - 1];
	p->start[0] = 0;
}

void run_expert_rows(struct program *p, const struct xop *o, unsigned thread)
{
	uint32_t n = xop_rows(p, o), k = o->part->u.moe.per_token;
	uint64_t a, b, stride;
	const unsigned char *in = prepared(p, o, thread, &stride);

	if (thread == 0)
		sort_rows(p, o);
	if (p->mode == ONE)
		return;                          /* every expert reads the one row */
	pool_barrier(p->dev->pool);
	share_of(&a, &b, (uint64_t)n * k, 1, thread, p->dev->threads);
	for (uint64_t r = a; r < b; r++)
		memcpy(p->gather + r * p->gather_bytes, in + p->order[r] / k * stride, stride < p->gather_bytes ? stride : p->gather_bytes);
}

static float weight_of(const struct xop *o, uint32_t pair)
{
	uint32_t k = o->part->u.moe.per_token;

	return o->in[1][pair / k * o->n_in[1] + k + pair % k];
}

/* One product of every expert with its rows; the thread's share of the matrix rows. one: there is one row of input, for all. */
static void products(struct program *p, const struct xop *o, unsigned thread, unsigned which, const unsigned char *in, uint64_t stride, int one, float *out, uint64_t out_stride)
{
	const struct moe_spec *e = &o->part->u.moe;
	uint64_t a, b;

	share_of(&a, &b, o->m[which].rows, MATRIX_ROWS, thread, p->dev->threads);
	for (uint32_t x = 0; x < e->experts && a < b; x++) {
		uint32_t from = p->start[x], to = p->start[x + 1];
		if (from == to)
			continue;
		struct matrix m = o->m[which];
		m.data = (const char *)m.data + x * o->expert_bytes[which];
		struct matmul_args args = { .w = &m, .row0 = a, .row1 = b, .in = one ? in : in + from * stride, .in_stride = one ? 0 : stride, .tokens = to - from,
			.out = out + from * out_stride, .out_stride = out_stride, .bias = o->vec[3 + which] ? o->vec[3 + which] + x * m.rows : NULL };
		p->dev->mm->run(&args, scratch_of(p, thread));
	}
}

void run_expert_up(struct program *p, const struct xop *o, unsigned thread)
{
	const struct moe_spec *e = &o->part->u.moe;
	uint64_t stride = p->gather_bytes, row = o->n_out[1] / e->per_token;
	const unsigned char *in = p->gather;

	if (p->mode == ONE)
		in = prepared(p, o, thread, &stride);
	if (e->matrices == 3)
		products(p, o, thread, 0, in, stride, p->mode == ONE, o->out[1], row);
	products(p, o, thread, 1, in, stride, p->mode == ONE, o->out[1] + (e->matrices == 3 ? e->width : 0), row);
}

void run_expert_act(struct program *p, const struct xop *o, unsigned thread)
{
	const struct moe_spec *e = &o->part->u.moe;
	const struct ops *k = p->dev->ops;
	uint64_t a, b, row = o->n_out[1] / e->per_token;
	float limit = p->hyper->act_limit ? p->hyper->act_limit[o->b->op->layer] : 0;

	share_of(&a, &b, (uint64_t)xop_rows(p, o) * e->per_token, 1, thread, p->dev->threads);
	for (uint64_t r = a; r < b; r++) {
		float *x = o->out[1] + r * row;
		if (p->hyper->weight_before)     /* a product with a scaled input is the scaled product */
			k->scale(x, weight_of(o, p->order[r]), row);
		act_limited(p, x, x, e->matrices == 3 ? x + e->width : NULL, e->width, e->act, limit);
		p->dev->mm->prepare((enum input_kind)o->kind, p->gather + r * p->gather_bytes, x, e->width);
	}
}

void run_expert_down(struct program *p, const struct xop *o, unsigned thread)
{
	products(p, o, thread, 2, p->gather, p->gather_bytes, 0, o->out[2], o->n_out[2] / o->part->u.moe.per_token);
}

void run_expert_sum(struct program *p, const struct xop *o, unsigned thread)
{
	const struct moe_spec *e = &o->part->u.moe;
	uint64_t a, b, n = o->n_out[0];

	share_of(&a, &b, n, MATRIX_ROWS, thread, p->dev->threads);
	for (uint32_t t = 0; t < xop_rows(p, o); t++) {
		float *out = o->out[0] + t * n + a;
		memset(out, 0, (b - a) * sizeof *out);
		for (uint32_t i = 0; i < e->per_token; i++)
			p->dev->ops->add_scaled(out, o->out[2] + p->place[t * e->per_token + i] * n + a, p->hyper->weight_before ? 1 : weight_of(o, t * e->per_token + i), b - a);
	}
}
