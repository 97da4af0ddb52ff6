/* cpu_ops.c - the ops that work on rows: embeddings, norms, products, activations, sums */
#include "engine/cpu.h"

#include <math.h>
#include <string.h>

void share_of(uint64_t *a, uint64_t *b, uint64_t n, uint64_t unit, unsigned thread, unsigned threads)
{
	uint64_t units = (n + unit - 1) / unit;

	*a = units * thread / threads * unit;
	*b = units * (thread + 1) / threads * unit;
	*a = *a < n ? *a : n;
	*b = *b < n ? *b : n;
}
/* Columns are shared out as rows of matrices are, so that a thread goes on with what it made. */
static void columns_of(const struct program *p, uint64_t n, unsigned thread, uint64_t *a, uint64_t *b)
{
	share_of(a, b, n, MATRIX_ROWS, thread, p->dev->threads);
}

static unsigned char *prepared_row(const struct program *p, unsigned kind, unsigned thread, uint64_t row)
{
	return p->mode == ONE ? p->prep_own[kind] + thread * p->prep_bytes[kind] : p->prep[kind] + row * p->prep_bytes[kind];
}
const void *prepared(const struct program *p, const struct xop *o, unsigned thread, uint64_t *stride)
{
	*stride = p->prep_bytes[o->kind];
	return prepared_row(p, o->kind, thread, 0);
}

void run_embed(struct program *p, const struct xop *o, unsigned thread)
{
	const struct matrix *m = &o->m[0];
	const struct kformat *f = kformat_find(m->format);
	uint64_t a, b, bytes = m->n / f->block * f->bytes;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++) {
		float *out = o->out[0] + t * m->n;
		uint64_t row = (uint64_t)p->step->token[t];
		if (m->layout == MATRIX_PACKED)
			p->dev->mm->row(out, m, row, scratch_of(p, thread));
		else
			p->dev->ops->load(out, m->format, (const char *)m->data + row * bytes, m->n);
		if (p->hyper->embed_scale != 1)
			p->dev->ops->scale(out, (float)p->hyper->embed_scale, m->n);
		if (o->m[1].data) {              /* a row for each position */
			float *row_own = p->row_own + thread * p->row_n;
			f = kformat_find(o->m[1].format);
			p->dev->ops->load(row_own, o->m[1].format, (const char *)o->m[1].data + (uint64_t)p->step->position[t] * (m->n / f->block * f->bytes), m->n);
			p->dev->ops->add(out, out, row_own, m->n);
		}
	}
}

void run_rope(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b;

	(void)o;
	tokens_of(&a, &b, p, p->tokens, thread);
	for (uint16_t r = 0; r < p->model->n_rope; r++) {
		const double *freq = p->freq + (uint64_t)r * (p->cs_dims / 2 + 1);
		for (uint64_t t = a; t < b; t++) {
			float *cs = p->cs + ((uint64_t)r * p->lim.max_tokens + t) * p->cs_dims;
			for (uint32_t i = 0; i < p->hyper->rope[r].dims / 2; i++) {
				double angle = p->step->position[t] * freq[i];
				cs[2 * i] = (float)cos(angle) * p->rope_mul[r];
				cs[2 * i + 1] = (float)sin(angle) * p->rope_mul[r];
			}
		}
	}
}

/* One row's norm; Mamba-2's is over each group apart. */
static void norm_row(const struct program *p, const struct xop *o, float *out, const float *x)
{
	const struct ops *k = p->dev->ops;
	uint64_t n = o->n_in[0], groups = o->part && o->part->type == PART_MAMBA2 ? o->part->u.mamba2.groups : 1;

	if (p->hyper->rms_bias && !o->part) {
		k->rms_norm(out, x, o->vec[0], n, p->model->norm_eps);
		if (o->vec[1])
			k->add(out, out, o->vec[1], n);
		return;
	}
	if (p->model->norm_type != NORM_RMS && !o->part) {
		k->layer_norm(out, x, o->vec[0], o->vec[1], n, p->model->norm_eps);
		return;
	}
	for (uint64_t g = 0; g < groups; g++)
		k->rms_norm(out + g * (n / groups), x + g * (n / groups), o->vec[0] + g * (n / groups), n / groups, p->model->norm_eps);
}

void run_norm(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_in[0];
	float *own = p->row_own + thread * p->row_n;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	/* one token: every thread prepares its own copy, which costs less than waiting for another's */
	int all = p->mode == ONE && o->kinds && xop_rows(p, o);
	/* in place it takes the row from under the others, so that is written when all have read it */
	int late = all && o->keep && o->out[0] == o->in[0];
	for (uint64_t t = all ? 0 : a; t < (all ? 1 : b); t++) {
		float *out = o->keep && (!all || b) && !late ? o->out[0] + t * n : own;
		norm_row(p, o, out, o->in[0] + t * n);
		if (late) {
			pool_barrier(p->dev->pool);
			if (b)
				memcpy(o->out[0], own, n * sizeof *own);
		}
		for (unsigned k = 0; k < INPUT_KINDS; k++)
			if (o->kinds >> k & 1)
				p->dev->mm->prepare((enum input_kind)k, prepared_row(p, k, thread, t), out, n);
	}
}

void run_prepare(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_in[0];

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	int all = p->mode == ONE && xop_rows(p, o);
	for (uint64_t t = all ? 0 : a; t < (all ? 1 : b); t++)
		for (unsigned k = 0; k < INPUT_KINDS; k++)
			if (o->kinds >> k & 1)
				p->dev->mm->prepare((enum input_kind)k, prepared_row(p, k, thread, t), o->in[0] + t * n, n);
}

void run_linear(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t stride, at = 0;
	const void *in = prepared(p, o, thread, &stride);
	uint32_t tokens = xop_rows(p, o);

	if (!tokens)
		return;
	for (unsigned i = 0; i < o->sub; i++) {
		struct matmul_args a = { .w = &o->m[i], .in = in, .in_stride = stride, .tokens = tokens, .out = o->out[0] + at, .out_stride = o->n_out[0], .bias = o->vec[1], .add = o->adds };
		columns_of(p, o->m[i].rows, thread, &a.row0, &a.row1);
		if (a.row0 < a.row1)
			p->dev->mm->run(&a, scratch_of(p, thread));
		at += o->m[i].rows;
	}
}

void run_head(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b;

	run_linear(p, o, thread);
	columns_of(p, o->m[0].rows, thread, &a, &b);
	for (uint32_t t = 0; t < xop_rows(p, o); t++) {
		float *row = o->out[0] + t * o->n_out[0] + a;
		if (p->hyper->logit_scale != 1)
			p->dev->ops->scale(row, (float)p->hyper->logit_scale, b - a);
		if (p->model->final_softcap > 0)
			p->dev->ops->softcap(row, p->model->final_softcap, b - a);
	}
}

/* Equal matrices over slices of the input, one a head (MLA's k_b and v_b). */
void run_groups(struct program *p, const struct xop *o, unsigned thread)
{
	const struct op_linear *l = &o->b->op->u.linear;
	const struct matmul *mm = p->dev->mm;
	uint64_t a, b, bytes = mm->input_bytes((enum input_kind)o->kind, l->n_in), step = o->n_in[0] / l->groups;
	uint32_t tokens = xop_rows(p, o);
	unsigned char *in = scratch_of(p, thread);

	if (!tokens)
		return;
	share_of(&a, &b, l->groups, 1, thread, p->dev->threads);
	for (uint64_t g = a; g < b; g++) {
		struct matrix m = o->m[0];
		m.data = (const char *)m.data + g * o->expert_bytes[0];
		for (uint32_t t = 0; t < tokens; t++)
			mm->prepare((enum input_kind)o->kind, in + t * bytes, o->in[0] + t * o->n_in[0] + g * step, l->n_in);
		struct matmul_args args = { .w = &m, .row0 = 0, .row1 = m.rows, .in = in, .in_stride = bytes, .tokens = tokens, .out = o->out[0] + g * m.rows, .out_stride = o->n_out[0] };
		mm->run(&args, in + p->lim.max_tokens * bytes);
	}
}

/* Step 3.5, DeepSeek V4: few layers of few models, so plain C. */
void act_limited(const struct program *p, float *out, const float *gate, const float *up, uint64_t n, int kind, float limit)
{
	if (!(limit > 0) || !up) {
		p->dev->ops->act(out, gate, up, n, kind);
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		float a = p->hyper->gate_limited ? fminf(gate[i], limit) : gate[i], u = fminf(fmaxf(up[i], -limit), limit);
		p->dev->ops->act(&a, &a, NULL, 1, kind);
		out[i] = fminf(a, limit) * u;
	}
}

void run_act(struct program *p, const struct xop *o, unsigned thread)
{
	int kind = o->part->type == PART_MOE ? o->part->u.moe.act : o->part->u.mlp.act;
	float limit = p->hyper->act_limit_shared ? p->hyper->act_limit_shared[o->b->op->layer] : 0;
	uint64_t a, b, n = o->n_out[0];

	columns_of(p, n, thread, &a, &b);
	for (uint32_t t = 0; t < xop_rows(p, o); t++)
		act_limited(p, o->out[0] + t * n + a, o->in[0] + t * n + a, o->in[1] ? o->in[1] + t * n + a : NULL, b - a, kind, limit);
}

void run_add(struct program *p, const struct xop *o, unsigned thread)
{
	double scale = o->b->op->residual ? p->hyper->residual_scale : 1;
	uint64_t a, b, n = o->n_out[0];

	columns_of(p, n, thread, &a, &b);
	for (uint32_t t = 0; t < xop_rows(p, o); t++) {
		float *out = o->out[0] + t * n + a;
		const float *x = o->in[0] + t * n + a, *y = o->in[1] + t * n + a;
		if (scale == 1) {
			p->dev->ops->add(out, x, y, b - a);
		} else if (out == y) {           /* granite: the branch is scaled, not the stream */
			p->dev->ops->scale(out, (float)scale, b - a);
			p->dev->ops->add(out, x, out, b - a);
		} else {
			if (out != x)
				memcpy(out, x, (b - a) * sizeof *out);
			p->dev->ops->add_scaled(out, y, (float)scale, b - a);
		}
	}
}

void run_rows(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_in[0];

	share_of(&a, &b, p->outputs, 1, thread, p->dev->threads);
	for (uint64_t i = a; i < b; i++)
		memmove(o->out[0] + i * n, o->in[0] + (uint64_t)p->step->output_row[i] * n, n * sizeof(float));
}

/* Laguna: x times log(1 + exp(y)), y of the head or of each element (llama.cpp 0c1e57098 src/models/laguna.cpp) */
static void gate_softplus(float *out, const float *x, const float *y, unsigned step, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		double g = (double)y[i * step];
		out[i] = (float)((double)x[i] * (g > 20 ? g : log1p(exp(g))));
	}
}

/* out = x times a gate: which, is told by the part */
void run_gate(struct program *p, const struct xop *o, unsigned thread)
{
	const struct ops *k = p->dev->ops;
	const struct part *part = o->part;
	uint64_t a, b, n = o->n_out[0];
	float *g = p->row_own + thread * p->row_n;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++) {
		const float *x = o->in[0] + t * n, *y = o->in[1] + t * o->n_in[1];
		float *out = o->out[0] + t * n;
		if (!part) {                     /* Gemma 4: this layer's embedding */
			k->act(out, x, y + o->b->op->layer * n, n, KA_GELU_TANH);
			continue;
		}
		switch (part->type) {
		case PART_MOE:                   /* the shared expert's one number */
			k->act(g, y, NULL, 1, KA_SIGMOID);
			if (out != x)
				memcpy(out, x, n * sizeof *out);
			k->scale(out, g[0], n);
			break;
		case PART_GQA: {                 /* one number a head, or the second half of every head's query rows */
			const struct gqa_spec *s = &part->u.gqa;
			for (uint32_t h = 0; h < s->q_heads; h++) {
				uint64_t at = (uint64_t)h * s->v_dim;
				if (p->hyper->gate_softplus) {
					gate_softplus(out + at, x + at, s->gate == GATE_HEAD ? y + h : y + at, s->gate == GATE_ELEMENT, s->v_dim);
					continue;
				}
				if (s->gate == GATE_ELEMENT && o->n_in[1] == n) {
					k->act(out + at, y + at, x + at, s->v_dim, KA_SIGMOID);
					continue;
				}
				if (s->gate == GATE_ELEMENT) {
					k->act(out + at, y + (uint64_t)h * 2 * s->k_dim + s->k_dim, x + at, s->v_dim, KA_SIGMOID);
					continue;
				}
				k->act(g, y + h, NULL, 1, KA_SIGMOID);
				if (out != x)
					memcpy(out + at, x + at, s->v_dim * sizeof *out);
				k->scale(out + at, g[0], s->v_dim);
			}
			break;
		}
		case PART_MLA:
			k->act(out, y, x, n, KA_SIGMOID);
			break;
		case PART_DELTA: {               /* norm of each head, times silu of the gate */
			const struct delta_spec *s = &part->u.delta;
			for (uint32_t h = 0; h < s->v_heads; h++) {
				uint64_t at = (uint64_t)h * s->v_dim;
				k->rms_norm(out + at, x + at, o->vec[0], s->v_dim, p->model->norm_eps);
				k->act(out + at, y + at, out + at, s->v_dim, s->per_channel_decay ? KA_SIGMOID : KA_SILU);
			}
			break;
		}
		default:                         /* Mamba-2: silu(z), the first rows of the input projection */
			k->act(out, y, x, n, KA_SILU);
		}
	}
}

/* The embeddings of every layer: (table row times sqrt(each) + norm(projection / sqrt(width))) / sqrt(2), `each` numbers a layer (llama.cpp 0c1e57098
 * src/models/gemma4.cpp, project_per_layer_inputs). */
void run_per_layer(struct program *p, const struct xop *o, unsigned thread)
{
	const struct matrix *m = &o->m[0];
	const struct kformat *f = kformat_find(m->format);
	const struct ops *k = p->dev->ops;
	uint64_t a, b, n = o->n_out[0], each = p->model->per_layer_embed;
	float *row = p->row_own + thread * p->row_n;

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++) {
		float *out = o->out[0] + t * n;
		k->load(row, m->format, (const char *)m->data + (uint64_t)p->step->token[t] * (n / f->block * f->bytes), n);
		k->scale(row, (float)sqrt((double)each), n);
		for (uint64_t i = 0; i < n; i += each)           /* eps is added to what has been divided by the width */
			k->rms_norm(out + i, o->in[0] + t * n + i, o->vec[1], each, p->model->norm_eps * (float)p->model->width);
		k->add(out, out, row, n);
		k->scale(out, (float)sqrt(0.5), n);
	}
}

/* x times one number */
void run_scale(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_out[0];

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++) {
		float *out = o->out[0] + t * n;
		if (out != o->in[0] + t * n)
			memcpy(out, o->in[0] + t * n, n * sizeof *out);
		p->dev->ops->scale(out, o->vec[0] ? o->vec[0][0] : (float)p->hyper->mixture_scale, n);
	}
}

void run_bank(struct program *p, const struct xop *o, unsigned thread)
{
	float *bank = o->out[0] ? o->out[0] : o->in[1];
	uint64_t a, b, n = o->n_in[0], row = o->out[0] ? o->n_out[0] : o->n_in[1];

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++)
		memcpy(bank + t * row + o->b->op->u.norm.n * n, o->in[0] + t * n, n * sizeof *bank);
}

/* Each stream counts as the softmax of the product of its norm with the branch's score vector; what is summed is not normed. The stream itself is the last. */
void run_res_mix(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_in[0], kept = o->b->op->u.norm.n;
	const struct ops *k = p->dev->ops;
	float *own = p->row_own + thread * p->row_n, share[65];

	tokens_of(&a, &b, p, xop_rows(p, o), thread);
	for (uint64_t t = a; t < b; t++) {
		const float *x = o->in[0] + t * n, *bank = o->in[1] + t * o->n_in[1];
		float *out = o->out[0] + t * n;
		for (uint64_t i = 0; i <= kept; i++) {
			double sum = 0;
			k->rms_norm(own, i < kept ? bank + i * n : x, o->vec[0], n, p->model->norm_eps);
			for (uint64_t j = 0; j < n; j++)
				sum += own[j];
			share[i] = (float)sum;
		}
		k->softmax(share, kept + 1);
		memset(own, 0, n * sizeof *own);
		for (uint64_t i = 0; i <= kept; i++)
			k->add_scaled(own, i < kept ? bank + i * n : x, share[i], n);
		memcpy(out, own, n * sizeof *out);
	}
}
