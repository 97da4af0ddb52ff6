/* cpu_state.c - recurrent mixers: short convolutions, gated delta rule, Mamba-2 */
#include "engine/cpu.h"

#include <math.h>
#include <string.h>

static double softplus(double x) { return x > 20 ? x : log1p(exp(x)); }

/* Kimi delta attention: q, k and v have a product and a convolution each. Their states and results stand one behind the other. */
static void conv_apart(struct program *p, const struct xop *o, unsigned thread)
{
	const struct delta_spec *d = &o->part->u.delta;
	uint64_t a, b, before = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t n = o->n_in[i];
		share_of(&a, &b, n, MATRIX_ROWS, thread, p->dev->threads);
		for (uint32_t r = 0; r < p->n_runs && a < b; r++) {
			const struct token_run *t = &p->runs[r];
			struct conv_args c = { .channels = (uint32_t)n, .kernel = d->conv_kernel, .c0 = (uint32_t)a, .c1 = (uint32_t)b, .tokens = t->n, .x = o->in[i] + t->token * n, .x_stride = n,
				.w = o->vec[i], .state = (float *)(void *)state_at(p, o->state[1], t->slot) + before * (d->conv_kernel - 1), .out = o->out[1] + t->token * o->n_out[1] + before,
				.out_stride = o->n_out[1], .silu = 1 };
			p->dev->ops->conv(&c);
		}
		before += n;
	}
}

/* The short convolution before a delta rule or Mamba-2, and silu. Channels are shared out. */
void run_conv(struct program *p, const struct xop *o, unsigned thread)
{
	if (o->part->type == PART_DELTA && o->part->u.delta.per_channel_decay) {
		conv_apart(p, o, thread);
		return;
	}
	uint64_t a, b, channels = o->n_out[1];
	int ssd = o->part->type == PART_MAMBA2;
	uint64_t offset = ssd ? (uint64_t)o->part->u.mamba2.heads * o->part->u.mamba2.head_dim : 0;

	share_of(&a, &b, channels, MATRIX_ROWS, thread, p->dev->threads);
	for (uint32_t r = 0; r < p->n_runs && a < b; r++) {
		const struct token_run *t = &p->runs[r];
		struct conv_args c = { .channels = (uint32_t)channels, .kernel = ssd ? o->part->u.mamba2.conv_kernel : o->part->u.delta.conv_kernel, .c0 = (uint32_t)a, .c1 = (uint32_t)b, .tokens = t->n,
			.x = o->in[0] + t->token * o->n_in[0] + offset, .x_stride = o->n_in[0], .w = o->vec[0], .bias = o->vec[1],
			.state = (float *)(void *)state_at(p, o->state[1], t->slot), .out = o->out[1] + t->token * o->n_out[1], .out_stride = o->n_out[1], .silu = 1 };
		p->dev->ops->conv(&c);
	}
}

/* Decay and step of heads [from, to): one after the other for one token. qwen3next keeps b and a of one key head together (ssm_ba); where they are two
 * tensors all of beta come first. */
static void decay_row(const struct program *p, const struct xop *o, float *out, const float *ba, uint32_t from, uint32_t to)
{
	const struct delta_spec *d = &o->part->u.delta;
	uint32_t n = d->v_heads, each = n / d->k_heads;
	int together = p->hyper->beta_alpha_by_head;

	for (uint32_t h = from; h < to; h++) {
		double beta = together ? ba[h / each * 2 * each + h % each] : ba[h];
		double alpha = together ? ba[h / each * 2 * each + each + h % each] : ba[n + h];
		out[h] = (float)(softplus(alpha + o->vec[4][h]) * o->vec[3][h]);     /* GGUF keeps -exp(A_log) */
		out[n + h] = (float)(1 / (1 + exp(-beta)));
	}
}

/* Of each channel (Kimi delta attention): what it forgets, then beta of each head. */
void run_decay(struct program *p, const struct xop *o, unsigned thread)
{
	const struct delta_spec *d = &o->part->u.delta;
	uint64_t a, b, n = o->n_in[0];

	tokens_of(&a, &b, p, p->tokens, thread);
	for (uint64_t t = a; t < b; t++) {
		const float *f = o->in[0] + t * n;
		float *out = o->out[0] + t * o->n_out[0];
		for (uint64_t i = 0; i < n; i++)
			out[i] = p->hyper->decay_bound != 0 ? (float)(p->hyper->decay_bound / (1 + exp(((double)f[i] + (double)o->vec[1][i]) * (double)o->vec[0][i / d->k_dim]))) : (float)(softplus((double)f[i] + (double)o->vec[1][i]) * (double)o->vec[0][i / d->k_dim]);
		p->dev->ops->act(out + n, o->in[1] + t * d->v_heads, NULL, d->v_heads, KA_SIGMOID);
	}
}

void run_delta(struct program *p, const struct xop *o, unsigned thread)
{
	const struct delta_spec *d = &o->part->u.delta;
	int kda = d->per_channel_decay;
	uint64_t a, b, k = (uint64_t)d->k_heads * d->k_dim, n = kda ? o->n_in[3] : o->n_out[2], decays = kda ? k : d->v_heads;
	const float *forget = kda ? o->in[3] : o->out[2];

	share_of(&a, &b, d->v_heads, 1, thread, p->dev->threads);
	for (uint64_t t = 0; t < p->tokens && a < b && !kda; t++)
		decay_row(p, o, o->out[2] + t * n, o->in[1] + t * o->n_in[1], (uint32_t)a, (uint32_t)b);
	for (uint32_t r = 0; r < p->n_runs && a < b; r++) {
		const struct token_run *t = &p->runs[r];
		const float *qkv = o->out[1] + t->token * o->n_out[1], *g = forget + t->token * n;
		struct delta_args args = { .k_heads = d->k_heads, .v_heads = d->v_heads, .k_dim = d->k_dim, .v_dim = d->v_dim, .head0 = (uint32_t)a, .head1 = (uint32_t)b, .tokens = t->n,
			.q = qkv, .k = qkv + k, .v = qkv + 2 * k, .q_stride = o->n_out[1], .k_stride = o->n_out[1], .v_stride = o->n_out[1],
			.g = g, .beta = g + decays, .per_channel = (uint8_t)kda, .g_stride = n, .beta_stride = n, .state = (float *)(void *)state_at(p, o->state[0], t->slot),
			.out = o->out[0] + t->token * o->n_out[0], .out_stride = o->n_out[0], .tiled = p->hyper->delta_tiled, .eps = p->model->norm_eps };
		p->dev->ops->delta(&args);
	}
}

void run_ssd(struct program *p, const struct xop *o, unsigned thread)
{
	const struct mamba2_spec *s = &o->part->u.mamba2;
	uint64_t a, b, inner = (uint64_t)s->heads * s->head_dim, bc = (uint64_t)s->groups * s->state;

	share_of(&a, &b, s->heads, 1, thread, p->dev->threads);
	for (uint64_t t = 0; t < p->tokens; t++)
		for (uint64_t h = a; h < b; h++)
			o->out[2][t * s->heads + h] = (float)softplus(o->in[0][t * o->n_in[0] + 2 * inner + 2 * bc + h] + (double)o->vec[4][h]);
	for (uint32_t r = 0; r < p->n_runs && a < b; r++) {
		const struct token_run *t = &p->runs[r];
		const float *x = o->out[1] + t->token * o->n_out[1];
		struct ssd_args args = { .heads = s->heads, .head_dim = s->head_dim, .groups = s->groups, .state_dim = s->state, .head0 = (uint32_t)a, .head1 = (uint32_t)b, .tokens = t->n,
			.x = x, .b = x + inner, .c = x + inner + bc, .stride = o->n_out[1], .dt = o->out[2] + t->token * s->heads, .dt_stride = s->heads, .a = o->vec[2], .d = o->vec[3],
			.state = (float *)(void *)state_at(p, o->state[0], t->slot), .out = o->out[0] + t->token * o->n_out[0], .out_stride = o->n_out[0] };
		p->dev->ops->ssd(&args);
	}
}

/* LFM2: the input projection's rows are b, c and x; out = c * conv(b * x) (transformers modeling_lfm2.py, Lfm2ShortConv). */
void run_shortconv(struct program *p, const struct xop *o, unsigned thread)
{
	uint64_t a, b, n = o->n_out[0];

	share_of(&a, &b, n, MATRIX_ROWS, thread, p->dev->threads);
	for (uint32_t r = 0; r < p->n_runs && a < b; r++) {
		const struct token_run *t = &p->runs[r];
		for (uint32_t i = t->token; i < t->token + t->n; i++) {
			const float *in = o->in[0] + i * o->n_in[0];
			p->dev->ops->mul(o->out[1] + i * n + a, in + a, in + 2 * n + a, b - a);
		}
		struct conv_args c = { .channels = (uint32_t)n, .kernel = o->part->u.conv.kernel, .c0 = (uint32_t)a, .c1 = (uint32_t)b, .tokens = t->n, .x = o->out[1] + t->token * n, .x_stride = n,
			.w = o->vec[0], .state = (float *)(void *)state_at(p, o->state[0], t->slot), .out = o->out[0] + t->token * n, .out_stride = n };
		p->dev->ops->conv(&c);
		for (uint32_t i = t->token; i < t->token + t->n; i++)
			p->dev->ops->mul(o->out[0] + i * n + a, o->out[0] + i * n + a, o->in[0] + i * o->n_in[0] + n + a, b - a);
	}
}
