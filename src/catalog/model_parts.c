/* model_parts.c - parts: of a catalogue entry, one reader a part type; the keys are the fields of model_spec.h's structs */
#include "catalog/model_read.h"

#include "catalog/model_check.h"

#include <string.h>

static const char *const index_norm_names[] = { "none", "rms", "layer", NULL };
static const char *const own_names[] = { "own", "reuse_last", NULL };

/* rope: a name under rope:, or none. It must be said: a part without positions is a statement too. */
static uint8_t read_rope(struct model_read *r, struct ynode *n)
{
	const char *names[MAX_ROPES], *name = NULL;
	int i;

	mr_str(r, &name, n, "rope", YAML_NEED);
	if (r->rc != OK || !strcmp(name, "none"))
		return NO_ROPE;
	for (unsigned k = 0; k < r->m->n_rope; k++)
		names[k] = r->m->rope[k].name;
	i = mr_find(r, n, name, names, r->m->n_rope, "rope: no such key under rope:");
	return i < 0 ? NO_ROPE : (uint8_t)i;
}

static void read_index(struct model_read *r, struct index_spec *x, struct ynode *part)
{
	struct ynode *n = mr_map(r, part, "index");
	unsigned mark;

	if (!n)
		return;
	mark = mr_open(r, n);
	x->k_heads = 1;
	mr_u32(r, &x->q_heads, n, "q_heads", 1, YAML_NEED);
	mr_u32(r, &x->k_heads, n, "k_heads", 1, YAML_OPTIONAL);
	mr_u32(r, &x->dim, n, "dim", 1, YAML_NEED);
	mr_u32(r, &x->top_tokens, n, "top_tokens", 1, YAML_OPTIONAL);
	mr_u32(r, &x->block_tokens, n, "block_tokens", 1, YAML_OPTIONAL);
	mr_u32(r, &x->top_blocks, n, "top_blocks", 1, YAML_OPTIONAL);
	mr_u32(r, &x->q_rank, n, "q_rank", 0, YAML_OPTIONAL);
	mr_enum(r, &x->k_norm, n, "k_norm", index_norm_names, YAML_OPTIONAL);
	mr_enum(r, &x->q_norm, n, "q_norm", index_norm_names, YAML_OPTIONAL);
	mr_bool(r, &x->head_weights, n, "head_weights");
	mr_enum(r, &x->own, n, "own", own_names, YAML_OPTIONAL);
	mr_close(r, n, mark);
}

/* head_dim, or k_dim and v_dim. */
static void read_head_dims(struct model_read *r, struct gqa_spec *g, struct ynode *n)
{
	uint32_t head = 0;

	mr_u32(r, &head, n, "head_dim", 1, YAML_OPTIONAL);
	mr_u32(r, &g->k_dim, n, "k_dim", 1, head ? YAML_OPTIONAL : YAML_NEED);
	mr_u32(r, &g->v_dim, n, "v_dim", 1, head ? YAML_OPTIONAL : YAML_NEED);
	if (!head)
		return;
	if (g->k_dim || g->v_dim)
		mr_fail(r, n, "head_dim (%u) sets k_dim and v_dim: do not give them too", head);
	g->k_dim = g->v_dim = head;
}

static void read_gqa(struct model_read *r, struct gqa_spec *g, struct ynode *n)
{
	uint8_t qkv = 0;

	mr_u32(r, &g->q_heads, n, "q_heads", 1, YAML_NEED);
	mr_u32(r, &g->kv_heads, n, "kv_heads", 1, YAML_NEED);
	read_head_dims(r, g, n);
	mr_enum(r, &g->span, n, "span", span_names, YAML_OPTIONAL);
	mr_u32(r, &g->span_tokens, n, "span_tokens", 1, YAML_OPTIONAL);
	g->rope = read_rope(r, n);
	mr_bool(r, &qkv, n, "qkv_bias");
	g->q_bias = g->k_bias = g->v_bias = qkv;
	mr_bool(r, &g->q_bias, n, "q_bias");
	mr_bool(r, &g->k_bias, n, "k_bias");
	mr_bool(r, &g->v_bias, n, "v_bias");
	mr_bool(r, &g->o_bias, n, "o_bias");
	mr_bool(r, &g->sinks, n, "sinks");
	mr_enum(r, &g->qk_norm, n, "qk_norm", qk_norm_names, YAML_OPTIONAL);
	mr_enum(r, &g->gate, n, "gate", gate_names, YAML_OPTIONAL);
	mr_bool(r, &g->v_is_k, n, "v_is_k");
	mr_enum(r, &g->own, n, "own", own_names, YAML_OPTIONAL);
	mr_bool(r, &g->no_kv_weights, n, "no_kv_weights");
	mr_f32(r, &g->softcap, n, "softcap");
	mr_f32(r, &g->scale, n, "scale");
	read_index(r, &g->index, n);
}

static void read_mla(struct model_read *r, struct mla_spec *a, struct ynode *n)
{
	mr_u32(r, &a->q_heads, n, "q_heads", 1, YAML_NEED);
	mr_u32(r, &a->q_rank, n, "q_rank", 0, YAML_OPTIONAL);
	mr_u32(r, &a->kv_rank, n, "kv_rank", 1, YAML_NEED);
	mr_u32(r, &a->nope_dim, n, "nope_dim", 1, YAML_NEED);
	mr_u32(r, &a->rope_dim, n, "rope_dim", 0, YAML_NEED);
	mr_u32(r, &a->v_dim, n, "v_dim", 1, YAML_NEED);
	a->rope = read_rope(r, n);
	mr_enum(r, &a->gate, n, "gate", gate_names, YAML_OPTIONAL);
	read_index(r, &a->index, n);
}

static void read_csa(struct model_read *r, struct csa_spec *c, struct ynode *n)
{
	mr_u32(r, &c->q_heads, n, "q_heads", 1, YAML_NEED);
	mr_u32(r, &c->q_rank, n, "q_rank", 1, YAML_NEED);
	mr_u32(r, &c->o_rank, n, "o_rank", 1, YAML_NEED);
	mr_u32(r, &c->o_groups, n, "o_groups", 1, YAML_NEED);
	mr_u32(r, &c->row_dim, n, "row_dim", 1, YAML_NEED);
	mr_u32(r, &c->rope_dim, n, "rope_dim", 0, YAML_NEED);
	mr_u32(r, &c->window, n, "window", 1, YAML_NEED);
	mr_u32(r, &c->ratio, n, "ratio", 0, YAML_OPTIONAL);
	c->rope = read_rope(r, n);
	mr_bool(r, &c->sinks, n, "sinks");
	read_index(r, &c->index, n);
}

static void read_delta(struct model_read *r, struct delta_spec *d, struct ynode *n)
{
	mr_u32(r, &d->k_heads, n, "k_heads", 1, YAML_NEED);
	mr_u32(r, &d->v_heads, n, "v_heads", 1, YAML_NEED);
	mr_u32(r, &d->k_dim, n, "k_dim", 1, YAML_NEED);
	mr_u32(r, &d->v_dim, n, "v_dim", 1, YAML_NEED);
	mr_u32(r, &d->conv_kernel, n, "conv_kernel", 1, YAML_NEED);
	mr_bool(r, &d->per_channel_decay, n, "per_channel_decay");
	mr_enum(r, &d->out_gate, n, "out_gate", gate_names, YAML_OPTIONAL);
	mr_bool(r, &d->gate_low_rank, n, "gate_low_rank");
	mr_u32(r, &d->a_log_elements, n, "a_log_elements", 1, YAML_OPTIONAL);
}

static void read_mamba2(struct model_read *r, struct mamba2_spec *s, struct ynode *n)
{
	mr_u32(r, &s->heads, n, "heads", 1, YAML_NEED);
	mr_u32(r, &s->head_dim, n, "head_dim", 1, YAML_NEED);
	mr_u32(r, &s->groups, n, "groups", 1, YAML_NEED);
	mr_u32(r, &s->state, n, "state", 1, YAML_NEED);
	mr_u32(r, &s->conv_kernel, n, "conv_kernel", 1, YAML_NEED);
	mr_bool(r, &s->conv_bias, n, "conv_bias");
	mr_bool(r, &s->gated_norm, n, "gated_norm");
	mr_bool(r, &s->proj_bias, n, "proj_bias");
}

static void read_mlp(struct model_read *r, struct mlp_spec *f, struct ynode *n)
{
	mr_u32(r, &f->width, n, "width", 1, YAML_NEED);
	mr_enum(r, &f->act, n, "act", act_names, YAML_NEED);
	f->matrices = 0;
	mr_u8(r, &f->matrices, n, "matrices", 2, 3);
	if (r->rc == OK && !f->matrices)
		mr_fail(r, n, "matrices is missing (3: gated, 2: plain)");
	mr_bool(r, &f->bias, n, "bias");
}

static void read_router(struct model_read *r, struct moe_spec *e, struct ynode *part)
{
	struct ynode *n = mr_map(r, part, "router");
	unsigned mark;

	if (!n) {
		mr_fail(r, part, "router is missing");
		return;
	}
	mark = mr_open(r, n);
	mr_enum(r, &e->score, n, "score", score_names, YAML_NEED);
	mr_bool(r, &e->router_bias, n, "bias");
	mr_bool(r, &e->router_scale, n, "scale");
	mr_bool(r, &e->expert_scale, n, "expert_scale");
	mr_bool(r, &e->hash_layer, n, "hash");
	mr_u32(r, &e->groups, n, "groups", 1, YAML_OPTIONAL);
	mr_u32(r, &e->top_groups, n, "top_groups", 1, YAML_OPTIONAL);
	mr_close(r, n, mark);
	/* one group of one is how configs spell "no groups" */
	if (e->groups == 1 && e->top_groups == 1)
		e->groups = e->top_groups = 0;
}

static void read_moe(struct model_read *r, struct moe_spec *e, struct ynode *n)
{
	mr_u32(r, &e->experts, n, "experts", 1, YAML_NEED);
	mr_u32(r, &e->per_token, n, "per_token", 1, YAML_NEED);
	mr_u32(r, &e->width, n, "width", 1, YAML_NEED);
	mr_u32(r, &e->latent, n, "latent", 0, YAML_OPTIONAL);
	mr_bool(r, &e->latent_norm, n, "latent_norm");
	mr_u32(r, &e->shared, n, "shared", 0, YAML_OPTIONAL);
	mr_u32(r, &e->shared_width, n, "shared_width", 0, YAML_OPTIONAL);
	mr_enum(r, &e->act, n, "act", act_names, YAML_NEED);
	mr_u8(r, &e->matrices, n, "matrices", 2, 3);
	if (r->rc == OK && !e->matrices)
		mr_fail(r, n, "matrices is missing (3: gated, 2: plain)");
	mr_bool(r, &e->bias, n, "bias");
	mr_bool(r, &e->shared_gate, n, "shared_gate");
	read_router(r, e, n);
}

/* warning: a sentence on what is not established; it joins the model's warnings. */
static uint16_t read_warning(struct model_read *r, struct ynode *n)
{
	const char *text = NULL;

	mr_str(r, &text, n, "warning", YAML_OPTIONAL);
	if (r->rc != OK || !text)
		return 0;
	if (r->m->n_warnings == MAX_WARNINGS) {
		mr_fail(r, n, "more than %d warnings", (int)MAX_WARNINGS);
		return 0;
	}
	r->warnings[r->m->n_warnings++] = text;
	return r->m->n_warnings;
}

static void read_part(struct model_read *r, struct part *p, struct ynode *n)
{
	unsigned mark = mr_open(r, n);

	p->name = n->key;
	mr_enum(r, &p->type, n, "type", part_type_names, YAML_NEED);
	p->source = mr_source(r, n);
	p->warning = read_warning(r, n);
	if (r->rc != OK)
		return;
	switch ((enum part_type)p->type) {
	case PART_GQA: read_gqa(r, &p->u.gqa, n); break;
	case PART_MLA: read_mla(r, &p->u.mla, n); break;
	case PART_CSA: read_csa(r, &p->u.csa, n); break;
	case PART_DELTA: read_delta(r, &p->u.delta, n); break;
	case PART_MAMBA2: read_mamba2(r, &p->u.mamba2, n); break;
	case PART_CONV:
		mr_u32(r, &p->u.conv.kernel, n, "kernel", 1, YAML_NEED);
		mr_bool(r, &p->u.conv.bias, n, "bias");
		break;
	case PART_MLP: read_mlp(r, &p->u.mlp, n); break;
	case PART_MOE: read_moe(r, &p->u.moe, n); break;
	case PART_TYPES: break;
	}
	mr_close(r, n, mark);
	if (r->rc == OK)
		r->rc = part_check(NULL, r->m, p, E_CATALOGUE, r->d->file, n->line, r->err);
}

void mr_parts(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_map(r, root, "parts");
	struct part *parts;
	unsigned n = 0;

	if (!s || s->n == 0 || s->n > MAX_PARTS) {
		if (s)
			mr_fail(r, s, "parts: %u parts, want 1 to %d", s->n, (int)MAX_PARTS);
		mr_fail(r, root, "parts is missing");
		return;
	}
	if (!(parts = mr_alloc(r, s->n, sizeof *parts)))
		return;
	r->m->parts = parts;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		c->used = 1;
		r->part_nodes[n] = c;
		read_part(r, &parts[n], c);
		n++;
	}
	r->m->n_parts = (uint16_t)n;
}
