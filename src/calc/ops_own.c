/* ops_own.c - lowering of the residual stream's own ops: those that src/engine runs and others' estimates leave out */
#include "calc/ops_build.h"

/* A norm of the residual stream, or of what joins it. */
uint32_t stream_norm(struct lowering *w, uint32_t in, unsigned id)
{
	uint32_t n = w->l->n, out = op_norm(w, in, id, w->m->width);

	if (w->l->shape.own && w->m->norm_type == NORM_LAYER_BIAS && !w->failed)
		w->l->op[n].w[1] = (uint16_t)(id + 1);
	return out;
}

/* What the layer's own embedding adds to the stream, and the layer's scale. */
void lower_extras(struct lowering *w, const struct layer_kind *k)
{
	uint64_t width = w->m->width, each = w->m->per_layer_embed;
	struct op *o;

	if (each) {
		uint32_t g = op_linear(w, w->x, W_PLE_GATE, W_NONE, width, each, 1);
		if (!w->l->shape.own) {
			w->x = op_simple(w, OP_ADD, w->x, op_linear(w, g, W_PLE_OUT, W_NONE, each, width, 1), width);
			return;
		}
		g = op_simple(w, OP_GATE, g, w->per_layer, each);
		w->x = op_simple(w, OP_ADD, w->x, stream_norm(w, op_linear(w, g, W_PLE_OUT, W_NONE, each, width, 1), W_PLE_NORM), width);
	}
	if (k->extra_scalars && w->l->shape.own) {
		w->x = op_simple(w, OP_SCALE, w->x, NO_ACT, width);
		o = w->failed ? NULL : &w->l->op[w->l->n - 1];
		if (o)
			o->w[0] = W_LAYER_SCALE;
	}
}

/* Attention residuals (llama.cpp src/models/kimi-k3.cpp): what a branch reads is a mix of the stream and of those that were kept. */
uint32_t res_mix(struct lowering *w, unsigned id)
{
	uint32_t x = w->x;

	if (!w->n_bank)
		return x;
	x = op_simple(w, OP_RES_MIX, x, w->bank, w->m->width);
	if (!w->failed) {
		w->l->op[w->l->n - 1].w[0] = (uint16_t)id;
		w->l->op[w->l->n - 1].u.norm.n = w->n_bank;
	}
	return x;
}
/* The stream of the first layer of a block is kept; it begins anew with that layer's attention. */
int res_bank(struct lowering *w, unsigned branch)
{
	uint32_t block = w->m->residual_block;
	struct op *o;

	if (branch || w->layer % block)
		return 0;
	o = op_add(w, OP_BANK);
	o->u.norm.n = w->n_bank++;
	op_reads(w, o, w->x);
	if (w->bank == NO_ACT)
		w->bank = op_makes(w, o, 0, (uint64_t)(w->m->n_layers + block - 1) / block * w->m->width);
	else
		op_reads(w, o, w->bank);
	return 1;
}

/* What src/engine does with embeddings before the first layer. */
void own_inputs(struct lowering *w)
{
	const struct model_spec *m = w->m;
	uint64_t n = (uint64_t)m->per_layer_embed * m->n_layers;

	if (m->learned_positions && !w->failed)
		w->l->op[w->l->n - 1].w[1] = W_POSITION;
	if (m->embed_norm)
		w->x = stream_norm(w, w->x, W_EMBED_NORM);
	if (!n)
		return;
	w->per_layer = op_simple(w, OP_PER_LAYER, op_linear(w, w->x, W_PLE_PROJ, W_NONE, m->width, n, 1), NO_ACT, n);
	if (!w->failed) {
		w->l->op[w->l->n - 1].w[0] = W_PLE_EMBED;
		w->l->op[w->l->n - 1].w[1] = W_PLE_PROJ_NORM;
	}
}
