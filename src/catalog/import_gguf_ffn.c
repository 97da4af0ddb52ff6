/* import_gguf_ffn.c - the feed-forwards of a block: dense, and mixtures of experts with what stands beside them */
#include "catalog/import_gguf_block.h"

#include <stdio.h>
#include <string.h>

typedef const struct file_tensor tensor;

static int to_width(uint32_t *out, struct gguf_import *c, tensor *t, uint64_t n)
{
	if (n > INT32_MAX)
		return gi_refuse(c, "tensor %s: a width of %llu", t->name, (unsigned long long)n);
	*out = (uint32_t)n;
	return OK;
}

/* Widths come from the tensors: the key feed_forward_length means the experts' in some architectures. */
static int dense(struct part *p, struct gguf_import *c, struct block *b)
{
	struct mlp_spec *f = &p->u.mlp;
	uint64_t w = c->m->width;
	tensor *up, *down, *gate, *bias;
	unsigned biases = 0;

	p->type = PART_MLP;
	f->act = c->facts->act;
	TRY(gi_need(&up, c, b, "ffn_up"));
	TRY(gi_need(&down, c, b, "ffn_down"));
	gate = gi_take(b, "ffn_gate");
	TRY(to_width(&f->width, c, down, down->ne[0]));
	TRY(gi_want_shape(c, down, f->width, w, 1));
	f->matrices = gate || up->ne[1] == 2 * (uint64_t)f->width ? 3 : 2;
	/* phi3, glm4, chatglm: gate and up in one matrix */
	TRY(gi_want_shape(c, up, w, !gate && f->matrices == 3 ? 2 * (uint64_t)f->width : f->width, 1));
	if (gate)
		TRY(gi_want_shape(c, gate, w, f->width, 1));
	if ((bias = gi_take_bias(b, "ffn_up")) != NULL) {
		TRY(gi_want_vector(c, bias, up->ne[1]));
		biases++;
	}
	if ((bias = gi_take_bias(b, "ffn_gate")) != NULL) {
		TRY(gi_want_vector(c, bias, f->width));
		biases++;
	}
	if ((bias = gi_take_bias(b, "ffn_down")) != NULL) {
		TRY(gi_want_vector(c, bias, w));
		biases++;
	}
	if (biases && biases != (gate ? 3u : 2u))
		return gi_refuse(c, "blk.%u: %u of the %u matrices of the feed-forward have a bias", b->layer, biases, gate ? 3u : 2u);
	f->bias = biases != 0;
	return OK;
}

/* One stack of experts and its bias: [in, out, experts], [out, experts]. */
static int stack(struct gguf_import *c, struct block *b, const char *stem, uint64_t in, uint64_t out,
	const struct moe_spec *e, unsigned *biases)
{
	tensor *t;

	TRY(gi_need(&t, c, b, stem));
	TRY(gi_want_shape(c, t, in, out, e->experts));
	if ((t = gi_take_bias(b, stem)) != NULL) {
		TRY(gi_want_shape(c, t, out, e->experts, 1));
		++*biases;
	}
	return OK;
}

/* Files from before the experts were stacked (2023): ffn_up.K, K below the number of experts. */
static int loose_experts(struct moe_spec *e, struct gguf_import *c, struct block *b)
{
	static const char *const stems[] = { "ffn_gate", "ffn_up", "ffn_down" };
	char name[32];
	tensor *t;

	e->matrices = 3;
	for (unsigned s = 0; s < 3; s++)
		for (uint32_t i = 0; i < e->experts; i++) {
			snprintf(name, sizeof name, "%s.%u", stems[s], i);
			TRY(gi_need(&t, c, b, name));
			if (!e->width)
				TRY(to_width(&e->width, c, t, t->ne[1]));
			TRY(gi_want_shape(c, t, s < 2 ? c->m->width : e->width, s < 2 ? e->width : c->m->width, 1));
		}
	return OK;
}

static int experts(struct moe_spec *e, struct gguf_import *c, struct block *b)
{
	uint64_t in = c->m->width;
	unsigned biases = 0;
	tensor *t = NULL;

	if (gi_has(b, "ffn_up.0"))
		return loose_experts(e, c, b);
	/* Nemotron 3: experts see a projection of the stream; Kimi K3 likewise, with a norm */
	const char *to = gi_has(b, "ffn_latent_down") ? "ffn_latent_down" : "ffn_routed_down", *from = gi_has(b,
		"ffn_latent_down") ? "ffn_latent_up" : "ffn_routed_up";
	if ((t = gi_take(b, to)) != NULL) {
		TRY(to_width(&e->latent, c, t, t->ne[1]));
		TRY(gi_want_shape(c, t, in, e->latent, 1));
		TRY(gi_need(&t, c, b, from));
		TRY(gi_want_shape(c, t, e->latent, in, 1));
		if ((t = gi_take(b, "ffn_routed_norm")) != NULL) {
			e->latent_norm = 1;
			TRY(gi_want_vector(c, t, e->latent));
		}
		in = e->latent;
	}
	e->matrices = gi_has(b, "ffn_gate_up_exps") || gi_has(b, "ffn_gate_exps") ? 3 : 2;
	for (uint32_t i = 0; i < b->n; i++)
		if (!strcmp(b->t[i].stem, "ffn_down_exps.weight"))
			TRY(to_width(&e->width, c, b->t[i].t, b->t[i].t->ne[0]));
	if (!e->width)
		return gi_refuse(c, "tensor blk.%u.ffn_down_exps.weight is missing", b->layer);
	if (gi_has(b, "ffn_gate_up_exps")) {
		TRY(stack(c, b, "ffn_gate_up_exps", in, 2 * (uint64_t)e->width, e, &biases));
		biases *= 2;
	} else {
		if (e->matrices == 3)
			TRY(stack(c, b, "ffn_gate_exps", in, e->width, e, &biases));
		TRY(stack(c, b, "ffn_up_exps", in, e->width, e, &biases));
	}
	TRY(stack(c, b, "ffn_down_exps", e->width, in, e, &biases));
	if (biases && biases != e->matrices)
		return gi_refuse(c, "blk.%u: some of the experts' matrices have a bias, others have none", b->layer);
	e->bias = biases != 0;
	return OK;
}

/* Experts that every token goes through. */
static int shared_experts(struct moe_spec *e, struct gguf_import *c, struct block *b)
{
	uint64_t w = c->m->width;
	tensor *t = gi_take(b, "ffn_up_shexp");

	if (!t)
		return OK;
	TRY(to_width(&e->shared_width, c, t, t->ne[1]));
	TRY(gi_want_shape(c, t, w, e->shared_width, 1));
	TRY(gi_need(&t, c, b, "ffn_down_shexp"));
	TRY(gi_want_shape(c, t, e->shared_width, w, 1));
	t = gi_take(b, "ffn_gate_shexp");
	if (!t != (e->matrices == 2))
		return gi_refuse(c, "blk.%u: shared and routed experts differ in the number of their matrices", b->layer);
	if (t)
		TRY(gi_want_shape(c, t, w, e->shared_width, 1));
	if ((t = gi_take(b, "ffn_gate_inp_shexp")) != NULL) {
		e->shared_gate = 1;
		TRY(gi_want_vector(c, t, w));
	}
	READ(gi_hyper(&e->shared, c, "expert_shared_count", 1));
	if (!e->shared || e->shared_width % e->shared)
		e->shared = 1;                   /* the widths may differ from one expert to the next; their sum is what counts */
	return OK;
}

static int router(struct moe_spec *e, struct gguf_import *c, struct block *b)
{
	/* llama-hparams.h, llama_expert_gating_func_type: 1 to 4 */
	static const uint8_t score[] = { SCORE_SOFTMAX, SCORE_SIGMOID, SCORE_TOPK_SOFTMAX, SCORE_SQRT_SOFTPLUS };
	uint32_t func;
	tensor *t;

	READ(gi_hyper(&func, c, "expert_gating_func", 0));
	if (func > 4)
		return gi_refuse(c, "expert_gating_func is %u; 1 to 4 are known", func);
	e->score = func ? score[func - 1] : c->facts->score;
	READ(gi_hyper(&e->groups, c, "expert_group_count", 0));
	READ(gi_hyper(&e->top_groups, c, "expert_group_used_count", 0));
	if (e->groups <= 1)
		e->groups = e->top_groups = 0;
	TRY(gi_maybe_bias(&e->router_bias, c, b, "exp_probs_b", e->experts));
	if ((t = gi_take(b, "exp_probs_b")) != NULL) {
		e->router_bias = 1;
		TRY(gi_want_vector(c, t, e->experts));
	}
	/* DeepSeek V4: the first layers look their experts up by token */
	if ((t = gi_take(b, "ffn_gate_tid2eid")) != NULL) {
		e->hash_layer = 1;
		TRY(gi_want_shape(c, t, e->per_token, c->m->vocab, 1));
	}
	if ((t = gi_take_bias(b, "ffn_gate_inp")) != NULL) {
		if (e->router_bias)
			return gi_refuse(c, "tensor %s stands beside another bias of the router", t->name);
		e->router_bias = 1;
		TRY(gi_want_vector(c, t, e->experts));
	}
	/* Gemma 4: the stream is scaled before the router, each expert's output after it */
	if ((t = gi_take_exact(b, "ffn_gate_inp.scale")) != NULL) {
		e->router_scale = 1;
		TRY(gi_want_vector(c, t, c->m->width));
		if ((t = gi_take_exact(b, "ffn_down_exps.scale")) != NULL) {
			e->expert_scale = 1;
			TRY(gi_want_vector(c, t, e->experts));
		}
	}
	return OK;
}

static int mixture(struct part *p, struct gguf_import *c, struct block *b)
{
	struct moe_spec *e = &p->u.moe;
	uint32_t count;
	tensor *t = gi_take(b, "ffn_gate_inp");

	p->type = PART_MOE;
	e->act = c->facts->act;
	TRY(to_width(&e->experts, c, t, t->ne[1]));
	TRY(gi_want_shape(c, t, c->m->width, e->experts, 1));
	READ(gi_hyper(&count, c, "expert_count", e->experts));
	if (count != e->experts)
		return gi_refuse(c, "tensor %s routes to %u experts, but expert_count is %u", t->name, e->experts, count);
	READ(gi_hyper_at(&e->per_token, c, "expert_used_count", b->layer, 0));
	if (!e->per_token || e->per_token > e->experts)
		return gi_refuse(c, "expert_used_count is %u of %u experts", e->per_token, e->experts);
	TRY(experts(e, c, b));
	TRY(shared_experts(e, c, b));
	return router(e, c, b);
}

/* A dense feed-forward, experts, or both side by side (Gemma 4 26B, Arctic) with norms of their own. */
int gi_feed_forwards(struct part *p, unsigned *n, uint8_t *extra_norms, struct gguf_import *c, struct block *b)
{
	static const char *const beside[] = { "pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2", "ffn_norm_exps" };

	*n = *extra_norms = 0;
	if (gi_has(b, "ffn_up"))
		TRY(dense(&p[(*n)++], c, b));
	if (gi_has(b, "ffn_gate_inp"))
		TRY(mixture(&p[(*n)++], c, b));
	for (unsigned i = 0; *n == 2 && i < sizeof beside / sizeof *beside; i++)
		if (gi_has(b, beside[i])) {
			TRY(gi_need_vector(c, b, beside[i], c->m->width));
			++*extra_norms;
		}
	return OK;
}
