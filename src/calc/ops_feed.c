/* ops_feed.c - lowering of the feed-forwards: dense, and routed to experts */
#include "calc/ops_build.h"

static uint32_t lower_ffn(struct lowering *w, uint32_t x, const unsigned id[3], const unsigned bias[3], uint64_t width, unsigned matrices)
{
	uint32_t g = matrices == 3 ? op_linear(w, x, id[0], bias[0], w->m->width, width, 1) : NO_ACT;
	uint32_t u = op_linear(w, x, id[1], bias[1], w->m->width, width, 1), a;

	a = op_simple(w, OP_ACT, g == NO_ACT ? u : g, g == NO_ACT && w->l->shape.own ? NO_ACT : u, width);
	if (w->l->shape.own && !w->failed)
		w->l->op[w->l->n - 1].in_place = 1;
	return op_linear(w, a, id[2], bias[2], width, w->m->width, 1);
}

/* router: what chooses the experts; x unless they have an input of their own. */
static uint32_t lower_moe(struct lowering *w, uint32_t x, uint32_t router, const struct moe_spec *e)
{
	static const unsigned shared[3] = { W_SHARED_GATE, W_SHARED_UP, W_SHARED_DOWN }, none[3] = { W_NONE, W_NONE, W_NONE };
	uint64_t width = w->m->width, in = e->latent ? e->latent : width, chosen = e->per_token;
	int own = w->l->shape.own;
	if (own && e->router_scale)              /* the norm's weight; what else is by its width is the choice's business */
		router = op_norm(w, router, W_ROUTER_SCALE, width);
	uint32_t r = op_linear(w, router, W_ROUTER, own && e->router_bias ? W_ROUTER_B : W_NONE, width, e->experts, 1), z = x, o;
	struct op *c = op_add(w, OP_ROUTE);

	c->u.norm.n = e->experts;
	c->w[0] = e->router_bias && !e->hash_layer && !e->bias ? W_ROUTER_BIAS : W_NONE;
	c->w[1] = own && e->expert_scale ? W_EXP_SCALE : W_NONE;
	op_reads(w, c, r);
	uint32_t choice = own ? op_makes(w, c, 0, 2 * chosen) : NO_ACT;      /* per token: so many ids, then so many weights */
	if (e->latent)
		z = op_linear(w, x, W_LATENT_IN, W_NONE, width, e->latent, 1);
	c = op_add(w, OP_EXPERTS);
	c->u.experts = (struct op_experts){ .experts = e->experts, .per_token = e->per_token, .n_in = in, .width = e->width, .matrices = e->matrices,
		.format = { op_format(&w->formats, ROLE_EXP_GATE, w->layer), op_format(&w->formats, ROLE_EXP_UP, w->layer), op_format(&w->formats, ROLE_EXP_DOWN, w->layer) } };
	c->math = op_math(&w->formats, c->u.experts.format[1]);
	c->w[0] = e->matrices == 3 ? W_EXP_GATE : W_NONE;
	c->w[1] = W_EXP_UP;
	c->w[2] = W_EXP_DOWN;
	if (e->bias) {
		c->w[3] = e->matrices == 3 ? W_EXP_GATE_B : W_NONE;
		c->w[4] = W_EXP_UP_B;
		c->w[5] = W_EXP_DOWN_B;
	}
	op_reads(w, c, z);
	if (own) {
		op_reads(w, c, choice);
		o = op_makes(w, c, 0, in);
		op_makes(w, c, 1, chosen * e->width * (e->matrices - 1));
		op_makes(w, c, 2, chosen * in);
	} else {
		/* rows of every chosen expert: gate and up together, their product, the down rows, the weighted sum */
		o = op_makes(w, c, 0, chosen * e->width * (e->matrices - 1));
		o = op_memory(w, OP_ACT, o, chosen * e->width);
		o = op_memory(w, OP_ACT, o, chosen * in);
		o = op_memory(w, OP_ADD, o, in);
	}
	if (e->latent && e->latent_norm && own)
		o = op_norm(w, o, W_LATENT_NORM, e->latent);
	if (e->latent)
		o = op_linear(w, o, W_LATENT_OUT, W_NONE, e->latent, width, 1);
	if (e->shared_width) {
		uint32_t s = lower_ffn(w, x, shared, none, e->shared_width, e->matrices);
		if (own && e->shared_gate)
			s = op_simple(w, OP_GATE, s, op_linear(w, x, W_SHARED_ROUTER, W_NONE, width, 1, 1), width);
		o = op_simple(w, OP_ADD, o, s, width);
		if (own && w->l->shape.mixture_scaled)
			o = op_simple(w, OP_SCALE, o, NO_ACT, width);
	}
	return o;
}

uint32_t lower_feed(struct lowering *w, uint32_t x, uint32_t router, const struct part *p)
{
	static const unsigned id[3] = { W_FFN_GATE, W_FFN_UP, W_FFN_DOWN }, bias[3] = { W_FFN_GATE_B, W_FFN_UP_B, W_FFN_DOWN_B };
	static const unsigned none[3] = { W_NONE, W_NONE, W_NONE };

	return p->type == PART_MOE ? lower_moe(w, x, router, &p->u.moe) : lower_ffn(w, x, id, p->u.mlp.bias ? bias : none, p->u.mlp.width, p->u.mlp.matrices);
}
