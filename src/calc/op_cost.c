/* op_cost.c - bytes and FLOPs of each op: the only place where they are written
 *
 * FLOPs count a multiply and an add as two. Weights are read once a step; a state is read up to what is attended. */
#include "calc/ops.h"

#include <math.h>

double experts_touched(double experts, double per_token, double tokens)
{
	if (experts <= 0)
		return 0;
	return experts * (1 - pow(1 - fmin(1, per_token / experts), tokens));
}

/* Bytes a number takes on average in this format, scales included. 0 when there is no such tensor. */
static double bytes_each(const struct op_list *l, uint16_t format)
{
	uint64_t ne[3] = { 16384, 1024, 1 }, bytes;

	if (format == NO_FORMAT || tensor_bytes(&bytes, &l->quants->formats[format], ne, NULL) != OK)
		return 0;
	return (double)bytes / ((double)ne[0] * (double)ne[1]);
}

/* Entries that one token attends to, on average. */
static double attended(const struct op_list *l, const struct op_attn *a)
{
	double n = l->shape.context_mean + (l->shape.tokens > l->shape.sequences ? (double)l->shape.tokens / (double)l->shape.sequences / 2 : 1);
	double window = a->span_tokens ? fmin(n, a->span_tokens) : n;

	if (a->ratio)                    /* the window's rows and the compressed ones */
		return window + (a->read_entries ? fmin(n / a->ratio, a->read_entries) : n / a->ratio);
	if (a->latent && a->span == SPAN_WINDOW)
		return window;
	if (a->read_entries)
		return fmin(n, a->read_entries);
	return a->span == SPAN_CHUNK ? fmin(n, (double)a->span_tokens) : window;
}

static void attn_cost(struct op_cost *c, const struct op_list *l, const struct op_attn *a)
{
	double entries = attended(l, a), t = (double)l->shape.tokens;
	double row = a->latent ? (double)a->k_dim * bytes_each(l, a->format_k)
			       : (double)a->kv_heads * (a->k_dim * bytes_each(l, a->format_k) + a->v_dim * bytes_each(l, a->format_v));

	c->state_bytes = row * entries * (double)l->shape.sequences;
	c->flops = 2 * t * entries * a->q_heads * ((double)a->k_dim + a->v_dim);
	c->act_bytes = 4 * t * a->q_heads * ((double)a->k_dim + a->v_dim);
}

void op_cost(struct op_cost *out, const struct op_list *l, const struct op *op)
{
	double t = (double)(op->rows ? l->shape.outputs : l->shape.tokens), seq = (double)l->shape.sequences;

	*out = (struct op_cost){ 0 };
	switch ((enum op_kind)op->kind) {
	case OP_LINEAR:
	case OP_HEAD:
		if (op->kind == OP_HEAD)
			t = (double)l->shape.outputs;
		for (unsigned i = 0; i < op->u.linear.n_weights; i++) {
			double n = (double)op->u.linear.n_in * (double)op->u.linear.n_out[i] * (double)op->u.linear.groups;
			out->weight_bytes += n * bytes_each(l, op->u.linear.format[i]);
			out->flops += 2 * n * t;
			out->act_bytes += 4 * t * (double)op->u.linear.groups * (double)(op->u.linear.n_in + op->u.linear.n_out[i]);
		}
		break;
	case OP_EXPERTS: {
		const struct op_experts *e = &op->u.experts;
		double one = (double)e->n_in * (double)e->width, touched = experts_touched(e->experts, e->per_token, t);
		double bytes = (e->matrices == 3 ? bytes_each(l, e->format[0]) : 0) + bytes_each(l, e->format[1]) + bytes_each(l, e->format[2]);
		out->weight_bytes = touched * one * bytes;
		out->flops = 2 * t * e->per_token * one * e->matrices;
		out->act_bytes = 4 * t * e->per_token * (double)(2 * e->n_in + e->matrices * e->width);
		break;
	}
	case OP_ATTN:
		attn_cost(out, l, &op->u.attn);
		break;
	case OP_INDEX: {
		double n = (l->shape.context_mean + 1) / (op->u.index.ratio ? op->u.index.ratio : 1);
		out->state_bytes = n * op->u.index.dim * bytes_each(l, op->u.index.format) * seq;
		out->flops = 2 * t * n * op->u.index.q_heads * op->u.index.dim;
		break;
	}
	case OP_DELTA: {
		const struct op_delta *d = &op->u.delta;
		double state = (double)d->v_heads * d->k_dim * d->v_dim;
		out->state_bytes = 2 * 4 * seq * (state + (double)d->conv_rows * (d->conv_kernel - 1));      /* read and written, f32 */
		out->flops = t * (8 * state + 2.0 * d->conv_rows * d->conv_kernel);
		out->act_bytes = 4 * t * d->conv_rows;
		break;
	}
	case OP_SSD: {
		const struct op_ssd *s = &op->u.ssd;
		double state = (double)s->heads * s->head_dim * s->state;
		out->state_bytes = 2 * 4 * seq * (state + (double)s->conv_rows * (s->conv_kernel - 1));
		out->flops = t * (6 * state + 2.0 * s->conv_rows * s->conv_kernel);
		out->act_bytes = 4 * t * s->conv_rows;
		break;
	}
	case OP_EMBED: case OP_NORM: case OP_ACT: case OP_GATE: case OP_CONCAT: case OP_QK_STORE: case OP_COMPRESS: case OP_CONV: case OP_ROUTE: case OP_ADD: case OP_MIX:
	case OP_ROWS: case OP_DECAY: case OP_PER_LAYER: case OP_BANK: case OP_RES_MIX: case OP_SCALE:
		out->act_bytes = 4 * t * 2 * (double)op->u.norm.n;
		out->flops = 4 * t * (double)op->u.norm.n;
		break;
	case OP_KINDS:
		break;
	}
}
