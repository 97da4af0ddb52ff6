/* model_write_parts.c - parts: of a draft entry, the keys of model_parts.c; and how values are spelt */
#include "catalog/model_write_parts.h"

#include <stdlib.h>
#include <string.h>

void draft_word(FILE *o, const char *s)
{
	int plain = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z');

	if (plain && !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")]) {
		fputs(s, o);
		return;
	}
	fputc('"', o);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			fprintf(o, "\\%c", c);
		else
			fputc(c < 0x20 || c == 0x7f ? ' ' : c, o);
	}
	fputc('"', o);
}

void draft_count(FILE *o, const char *key, uint32_t v)
{
	if (v)
		fprintf(o, ", %s: %u", key, v);
}

void draft_flag(FILE *o, const char *key, int v)
{
	if (v)
		fprintf(o, ", %s: true", key);
}

void draft_bare(FILE *o, double v, int single)
{
	char text[40];

	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		double back = strtod(text, NULL);
		if (single ? (float)back == (float)v : !(back < v || back > v))
			break;
	}
	fputs(text, o);
}

void draft_number(FILE *o, const char *key, double v, int single)
{
	if (!(v > 0))
		return;
	fprintf(o, ", %s: ", key);
	draft_bare(o, v, single);
}

static void enum_word(FILE *o, const char *key, const char *const *names, uint8_t v)
{
	if (v)
		fprintf(o, ", %s: %s", key, names[v]);
}

static void rope_of(struct draft *w, uint8_t rope)
{
	fprintf(w->out, ", rope: %s", rope == NO_ROPE || rope >= w->m->n_rope ? "none" : w->rope_name[rope]);
}

static void index_of(FILE *o, const struct index_spec *x)
{
	static const char *const norms[] = { "none", "rms", "layer" };

	if (!x->q_heads)
		return;
	fprintf(o, ", index: {q_heads: %u, k_heads: %u, dim: %u", x->q_heads, x->k_heads, x->dim);
	draft_count(o, "top_tokens", x->top_tokens);
	draft_count(o, "block_tokens", x->block_tokens);
	draft_count(o, "top_blocks", x->top_blocks);
	draft_count(o, "q_rank", x->q_rank);
	enum_word(o, "k_norm", norms, x->k_norm);
	enum_word(o, "q_norm", norms, x->q_norm);
	draft_flag(o, "head_weights", x->head_weights);
	if (x->own == REUSE_LAST)
		fputs(", own: reuse_last", o);
	fputc('}', o);
}

static void gqa(struct draft *w, const struct gqa_spec *g)
{
	FILE *o = w->out;

	fprintf(o, ", q_heads: %u, kv_heads: %u", g->q_heads, g->kv_heads);
	if (g->k_dim == g->v_dim)
		draft_count(o, "head_dim", g->k_dim);
	else
		fprintf(o, ", k_dim: %u, v_dim: %u", g->k_dim, g->v_dim);
	enum_word(o, "span", span_names, g->span);
	draft_count(o, "span_tokens", g->span_tokens);
	rope_of(w, g->rope);
	if (g->q_bias && g->k_bias && g->v_bias) {
		fputs(", qkv_bias: true", o);
	} else {
		draft_flag(o, "q_bias", g->q_bias);
		draft_flag(o, "k_bias", g->k_bias);
		draft_flag(o, "v_bias", g->v_bias);
	}
	draft_flag(o, "o_bias", g->o_bias);
	draft_flag(o, "sinks", g->sinks);
	enum_word(o, "qk_norm", qk_norm_names, g->qk_norm);
	enum_word(o, "gate", gate_names, g->gate);
	draft_flag(o, "v_is_k", g->v_is_k);
	if (g->own == REUSE_LAST)
		fputs(", own: reuse_last", o);
	draft_flag(o, "no_kv_weights", g->no_kv_weights);
	draft_number(o, "softcap", (double)g->softcap, 1);
	draft_number(o, "scale", (double)g->scale, 1);
	index_of(o, &g->index);
}

static void mla(struct draft *w, const struct mla_spec *a)
{
	fprintf(w->out, ", q_heads: %u, q_rank: %u, kv_rank: %u, nope_dim: %u, rope_dim: %u, v_dim: %u", a->q_heads, a->q_rank, a->kv_rank, a->nope_dim, a->rope_dim, a->v_dim);
	rope_of(w, a->rope);
	enum_word(w->out, "gate", gate_names, a->gate);
	index_of(w->out, &a->index);
}

static void csa(struct draft *w, const struct csa_spec *c)
{
	FILE *o = w->out;

	fprintf(o, ", q_heads: %u, q_rank: %u, o_rank: %u, o_groups: %u, row_dim: %u, rope_dim: %u, window: %u, ratio: %u", c->q_heads, c->q_rank, c->o_rank, c->o_groups,
		c->row_dim, c->rope_dim, c->window, c->ratio);
	rope_of(w, c->rope);
	draft_flag(o, "sinks", c->sinks);
	index_of(o, &c->index);
}

static void delta(FILE *o, const struct delta_spec *d)
{
	fprintf(o, ", k_heads: %u, v_heads: %u, k_dim: %u, v_dim: %u, conv_kernel: %u", d->k_heads, d->v_heads, d->k_dim, d->v_dim, d->conv_kernel);
	draft_flag(o, "per_channel_decay", d->per_channel_decay);
	enum_word(o, "out_gate", gate_names, d->out_gate);
	draft_flag(o, "gate_low_rank", d->gate_low_rank);
	draft_count(o, "a_log_elements", d->a_log_elements);
}

static void mamba2(FILE *o, const struct mamba2_spec *s)
{
	fprintf(o, ", heads: %u, head_dim: %u, groups: %u, state: %u, conv_kernel: %u", s->heads, s->head_dim, s->groups, s->state, s->conv_kernel);
	draft_flag(o, "conv_bias", s->conv_bias);
	draft_flag(o, "gated_norm", s->gated_norm);
	draft_flag(o, "proj_bias", s->proj_bias);
}

static void moe(FILE *o, const struct moe_spec *e)
{
	fprintf(o, ", experts: %u, per_token: %u, width: %u", e->experts, e->per_token, e->width);
	draft_count(o, "latent", e->latent);
	draft_flag(o, "latent_norm", e->latent_norm);
	draft_count(o, "shared", e->shared);
	draft_count(o, "shared_width", e->shared_width);
	fprintf(o, ", act: %s, matrices: %u", act_names[e->act], e->matrices);
	draft_flag(o, "bias", e->bias);
	draft_flag(o, "shared_gate", e->shared_gate);
	fprintf(o, ", router: {score: %s", score_names[e->score]);
	draft_flag(o, "bias", e->router_bias);
	draft_flag(o, "scale", e->router_scale);
	draft_flag(o, "expert_scale", e->expert_scale);
	draft_flag(o, "hash", e->hash_layer);
	draft_count(o, "groups", e->groups);
	draft_count(o, "top_groups", e->top_groups);
	fputc('}', o);
}

static void part(struct draft *w, unsigned i)
{
	const struct part *p = &w->m->parts[i];
	FILE *o = w->out;

	fprintf(o, "  %s: {type: %s", w->part_name[i], part_type_names[p->type]);
	switch ((enum part_type)p->type) {
	case PART_GQA: gqa(w, &p->u.gqa); break;
	case PART_MLA: mla(w, &p->u.mla); break;
	case PART_CSA: csa(w, &p->u.csa); break;
	case PART_DELTA: delta(o, &p->u.delta); break;
	case PART_MAMBA2: mamba2(o, &p->u.mamba2); break;
	case PART_CONV:
		fprintf(o, ", kernel: %u", p->u.conv.kernel);
		draft_flag(o, "bias", p->u.conv.bias);
		break;
	case PART_MLP:
		fprintf(o, ", width: %u, act: %s, matrices: %u", p->u.mlp.width, act_names[p->u.mlp.act], p->u.mlp.matrices);
		draft_flag(o, "bias", p->u.mlp.bias);
		break;
	case PART_MOE: moe(o, &p->u.moe); break;
	case PART_TYPES: break;
	}
	if (p->warning && p->warning <= w->m->n_warnings) {
		fputs(", warning: ", o);
		draft_word(o, w->m->warnings[p->warning - 1]);
	}
	fputs("}\n", o);
}

void draft_parts(struct draft *w)
{
	fputs("parts:\n", w->out);
	for (unsigned i = 0; i < w->m->n_parts; i++)
		if (w->part_used[i])
			part(w, i);
}
