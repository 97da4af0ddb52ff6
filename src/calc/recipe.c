/* recipe.c - the rules of a recipe applied to the tensors of one model
 *
 * The predicates restate src/llama-quant.cpp of llama.cpp 0c1e57098; the rules that use them are data/quants.yaml's. */
#include "calc/recipe.h"

#include "calc/packing.h"
#include "calc/part_tensors.h"

#include <string.h>

/* llama.cpp's categories that are counted (tensor_get_category), each in the order of the names within a layer:
 * ffn_down.weight, ffn_down_exps.weight, ffn_down_shexp.weight. */
enum counter { COUNT_V, COUNT_DOWN, COUNT_GATE, COUNT_UP, COUNTERS };
static const struct { uint16_t role; uint8_t counter; } counted[] = {
	{ ROLE_KV_B, COUNT_V }, { ROLE_ATTN_QKV, COUNT_V }, { ROLE_ATTN_V, COUNT_V },
	{ ROLE_FFN_DOWN, COUNT_DOWN }, { ROLE_EXP_DOWN, COUNT_DOWN }, { ROLE_SHARED_DOWN, COUNT_DOWN },
	{ ROLE_FFN_GATE, COUNT_GATE }, { ROLE_EXP_GATE, COUNT_GATE }, { ROLE_SHARED_GATE, COUNT_GATE },
	{ ROLE_EXP_GATE_UP, COUNT_GATE },
	{ ROLE_FFN_UP, COUNT_UP }, { ROLE_EXP_UP, COUNT_UP }, { ROLE_SHARED_UP, COUNT_UP },
};
enum { N_COUNTED = sizeof counted / sizeof *counted };

static int which_counted(unsigned role)
{
	for (int i = 0; i < N_COUNTED; i++)
		if (counted[i].role == role)
			return i;
	return -1;
}

static const struct layer_kind *kind_at(const struct model_spec *m, uint32_t layer)
{
	return &m->kinds[layer < m->n_layers ? m->kind_of[layer] : m->mtp.kind];
}

/* First part of a kind for which want() holds. */
static const struct part *find_part(const struct model_spec *m, const struct layer_kind *k, int (*want)(const struct part *p))
{
	for (unsigned b = 0; b < k->n_branches; b++)
		for (unsigned i = 0; i < k->branch[b].n_parts; i++)
			if (want(&m->parts[k->branch[b].part[i]]))
				return &m->parts[k->branch[b].part[i]];
	return NULL;
}
static int is_attention(const struct part *p) { return p->type == PART_GQA || p->type == PART_MLA || p->type == PART_CSA; }
static int is_scalar_delta(const struct part *p) { return p->type == PART_DELTA && !p->u.delta.per_channel_decay; }

/* n_gqa() of llama-hparams.cpp: heads by KV heads of layer 0. GGUF files of MLA say one KV head (conversion/deepseek.py). A
 * first layer without attention has 0 KV heads where the converter writes one number a layer (Kimi Linear, Nemotron-H, Granite
 * hybrid, LFM2, Deci); Qwen's delta-net models write one number for the whole model. */
static uint32_t gqa_of(const struct model_spec *m)
{
	const struct part *p = m->n_layers ? find_part(m, kind_at(m, 0), is_attention) : NULL;

	if (!p && m->n_layers && find_part(m, kind_at(m, 0), is_scalar_delta))
		for (uint32_t i = 1; i < m->n_layers && !p; i++)
			p = find_part(m, kind_at(m, i), is_attention);
	if (!p)
		return 0;
	if (p->type == PART_GQA)
		return p->u.gqa.kv_heads ? p->u.gqa.q_heads / p->u.gqa.kv_heads : 0;
	return p->type == PART_MLA ? p->u.mla.q_heads : p->u.csa.q_heads;
}

/* The models that llama.cpp types as LLM_TYPE_70B (src/models/): V there has an eighth of Q's weights. */
static int is_70b(const struct model_spec *m, uint32_t gqa)
{
	if (!strcmp(m->architecture, "llama"))
		return m->n_layers == 80 && gqa != 1;
	if (!strcmp(m->architecture, "jais2"))
		return m->n_layers == 68;
	return m->n_layers == 80 &&
	       (!strcmp(m->architecture, "qwen2") || !strcmp(m->architecture, "deci") || !strcmp(m->architecture, "olmo"));
}

/* Layers of one kind have the same tensors: each kind is listed once. */
static void count_layers(struct recipe_state *s, uint32_t n_layers)
{
	struct packing_traits traits = packing_for((enum packing)s->recipe->packing, s->model->architecture);
	uint16_t sum[COUNTERS] = { 0 };
	uint64_t of_kind[MAX_KINDS];
	struct shape_list l;

	memset(of_kind, 0xff, sizeof of_kind);
	for (uint32_t i = 0; i < n_layers; i++) {
		const struct layer_kind *kind = kind_at(s->model, i);
		uint64_t *has = &of_kind[kind - s->model->kinds];

		if (*has == UINT64_MAX) {
			*has = l.n = 0;
			kind_tensors(&l, s->model, kind, &traits);
			for (unsigned k = 0; k < l.n; k++) {
				int c = which_counted(l.s[k].role);

				if (c >= 0)
					*has |= UINT64_C(1) << c;
			}
		}
		s->before[i].v = sum[COUNT_V];
		s->before[i].down = sum[COUNT_DOWN];
		s->before[i].gate = sum[COUNT_GATE];
		s->before[i].up = sum[COUNT_UP];
		s->has[i] = *has;
		for (unsigned c = 0; c < N_COUNTED; c++)
			sum[counted[c].counter] = (uint16_t)(sum[counted[c].counter] + (*has >> c & 1));
	}
	s->n_v = sum[COUNT_V];
}

/* Does the released checkpoint hold its routed experts in MXFP4? conversion/gpt_oss.py, kimi_k3.py and deepseek.py copy such
 * blocks as they are, and llama-quantize does not requantise them unless told to (src/llama-quant.cpp, allow_requantize). */
static int experts_in_mxfp4(const struct quants *q, const char *native)
{
	for (uint16_t i = 0; native && i < q->n_recipes; i++) {
		const struct recipe *r = &q->recipes[i];

		if (strcmp(r->id, native))
			continue;
		for (unsigned k = 0; k < r->n_rules; k++)
			if (r->rules[k].roles[ROLE_EXP_DOWN / 64] >> (ROLE_EXP_DOWN % 64) & 1)
				return !strcmp(q->formats[r->rules[k].format].id, "mxfp4_hf");
	}
	return 0;
}

static int read_keep(struct recipe_state *s, struct error *err)
{
	const struct model_spec *m = s->model;

	if (s->recipe->packing != PACK_HF || !m->native_format || strcmp(m->native_format, s->recipe->id))
		return OK;
	for (const char *const *k = m->native_keep; k && *k; k++) {
		unsigned i = 0;

		while (role_names[i] && strcmp(role_names[i], *k))
			i++;
		if (!role_names[i])
			return error_set(err, E_CATALOGUE, "%s: native_keep: %s is no role", m->id ? m->id : "model", *k);
		s->keep[i / 64] |= UINT64_C(1) << (i % 64);
	}
	return OK;
}

int recipe_begin(struct recipe_state *out, const struct model_spec *m, const struct quants *q, const struct recipe *r,
		 uint8_t imatrix, struct error *err)
{
	uint32_t mtp = m->gguf_mtp ? (m->mtp.stored ? m->mtp.stored : m->mtp.layers) : 0;
	uint32_t n_layers = m->n_layers + mtp;

	memset(out, 0, sizeof *out);
	out->model = m;
	out->quants = q;
	out->recipe = r;
	out->imatrix = imatrix;
	if (n_layers > MAX_LAYERS)
		return error_set(err, E_FORMAT, "%s: %u layers, at most %d", m->id ? m->id : "model", n_layers, MAX_LAYERS);
	for (unsigned i = 0; i < m->n_parts; i++) {
		if (m->parts[i].type == PART_MOE && m->parts[i].u.moe.experts > out->experts)
			out->experts = m->parts[i].u.moe.experts;
		out->has_mla |= m->parts[i].type == PART_MLA;
	}
	out->falcon = !strcmp(m->architecture, "falcon");
	out->glm5_next = !strcmp(m->architecture, "glm5-next");
	out->bailingmoe3 = !strcmp(m->architecture, "bailingmoe3");
	out->deepseek4 = !strcmp(m->architecture, "deepseek4");
	out->native_mxfp4 = (uint8_t)experts_in_mxfp4(q, m->native_format);
	out->gqa = gqa_of(m);
	out->is_70b = (uint8_t)is_70b(m, out->gqa);
	out->n_down = out->n_gate = out->n_up = n_layers;
	count_layers(out, n_layers);
	return read_keep(out, err);
}

/* Which tensor of its category this one is, and of how many: llama.cpp's i_attention_wv of n_attention_wv, and so on. */
struct place { uint32_t i, n, counted; };

static struct place place_of(const struct recipe_state *s, unsigned role, int layer)
{
	struct place p = { 0, 0, 0 };
	int c = which_counted(role);
	uint32_t at = layer < 0 ? 0 : layer < MAX_LAYERS ? (uint32_t)layer : MAX_LAYERS;

	if (c < 0)
		return p;
	for (int k = 0; k < c; k++)
		p.counted += counted[k].counter == counted[c].counter && (s->has[at] >> k & 1);
	switch ((enum counter)counted[c].counter) {
	case COUNT_V:
		p.counted += s->before[at].v;
		p.n = s->n_v;
		p.i = p.counted;
		return p;
	case COUNT_DOWN: p.counted += s->before[at].down; p.n = s->n_down; break;
	case COUNT_GATE: p.counted += s->before[at].gate; p.n = s->n_gate; break;
	case COUNT_UP: p.counted += s->before[at].up; p.n = s->n_up; break;
	case COUNTERS: break;
	}
	p.i = s->experts > 1 ? at : p.counted;       /* layer_info(): with experts the number in the tensor's name */
	return p;
}

/* use_more_bits() */
static int more_bits(uint32_t i, uint32_t n)
{
	return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static unsigned place_bits(const struct place *p)
{
	return (unsigned)more_bits(p->i, p->n) | (p->i < p->n / 8) << 1 | (p->counted < p->n / 8) << 2 | (p->i < p->n / 16) << 3 | (p->i < 2) << 4 |
	       (p->i < 4) << 5 | (p->i >= p->n / 8 && p->i < 7 * p->n / 8) << 6;
}

int recipe_counts(unsigned role)
{
	return which_counted(role) >= 0;
}

unsigned recipe_place(const struct recipe_state *s, unsigned role, int layer)
{
	struct place p;

	if (which_counted(role) < 0)
		return 0;
	p = place_of(s, role, layer);
	return place_bits(&p);
}

static int holds(enum when w, const struct recipe_state *s, const struct tensor *t, const struct place *p)
{
	switch (w) {
	case WHEN_TIED_HEAD: return s->model->tied_head;
	case WHEN_UNTIED_HEAD: return !s->model->tied_head;
	case WHEN_EXPERTS_8: return s->experts == 8;
	case WHEN_NOT_EXPERTS_8: return s->experts != 8;
	case WHEN_EXPERTS_4_UP: return s->experts >= 4;
	case WHEN_GQA_4_UP: return s->gqa >= 4;
	case WHEN_GQA_BELOW_4: return s->gqa < 4;
	case WHEN_GQA_4_UP_OR_EXPERTS_4_UP: return s->gqa >= 4 || s->experts >= 4;
	case WHEN_MORE_BITS: return place_bits(p) & 1;
	case WHEN_FIRST_EIGHTH: return place_bits(p) >> 1 & 1;
	case WHEN_FIRST_EIGHTH_COUNTED: return place_bits(p) >> 2 & 1;
	case WHEN_FIRST_SIXTEENTH: return place_bits(p) >> 3 & 1;
	case WHEN_FIRST_2: return place_bits(p) >> 4 & 1;
	case WHEN_FIRST_4: return place_bits(p) >> 5 & 1;
	case WHEN_MIDDLE: return place_bits(p) >> 6 & 1;
	case WHEN_IS_70B: return s->is_70b;
	case WHEN_IMATRIX: return s->imatrix;
	case WHEN_NO_IMATRIX: return !s->imatrix;
	case WHEN_STACKED: return t->ne[2] > 1;
	case WHEN_NOT_STACKED: return t->ne[2] <= 1;
	case WHEN_ARCH_FALCON: return s->falcon;
	case WHEN_NOT_ARCH_FALCON: return !s->falcon;
	case WHEN_ARCH_MLA: return s->has_mla;
	case WHEN_NOT_ARCH_MLA: return !s->has_mla;
	case WHEN_ROW_MISFIT: {
		const struct format *f = &s->quants->formats[s->recipe->base];
		return f->block && t->ne[0] % f->block;
	}
	case WHEN_ARCH_GLM5_NEXT: return s->glm5_next;
	case WHEN_ARCH_BAILINGMOE3: return s->bailingmoe3;
	case WHEN_NOT_ARCH_BAILINGMOE3: return !s->bailingmoe3;
	case WHEN_ARCH_DEEPSEEK4: return s->deepseek4;
	case WHEN_MTP: return t->component == COMP_MTP;
	case WHEN_NATIVE_MXFP4: return s->native_mxfp4;
	case WHENS: break;
	}
	return 0;
}

static int rule_matches(const struct rule *u, const struct recipe_state *s, const struct tensor *t, const struct place *p,
			uint16_t format)
{
	if (!(u->roles[t->role / 64] >> (t->role % 64) & 1))
		return 0;
	for (uint64_t when = u->when[0]; when; when &= when - 1)
		if (!holds((enum when)__builtin_ctzll(when), s, t, p))
			return 0;
	for (unsigned i = 0; i < u->n_bump; i++)
		if (u->bump_from[i] == format)
			return 1;
	return !u->n_bump;
}

/* Rows must hold whole blocks; groups along the row (AWQ, MXFP4, MLX) whole groups. Tiles over rows and columns may be begun. */
static uint32_t row_unit(const struct format *f)
{
	uint32_t unit = f->block ? f->block : 1;

	for (unsigned i = 0; i < f->n_scales; i++)
		if (f->scale[i].tile1 == 1 && f->scale[i].tile0 > unit)
			unit = f->scale[i].tile0;
	return unit;
}

/* tensor_type_fallback(): a smaller block; of 32 there is none; what still does not fit is kept in the last resort. */
static int fit_row(uint16_t *format, const struct recipe_state *s, const struct tensor *t, struct error *err)
{
	const struct format *f = s->quants->formats;
	const struct recipe *r = s->recipe;
	int mapped = 0;

	if (t->ne[0] % row_unit(&f[*format]) == 0)
		return OK;
	for (unsigned i = 0; i < r->n_fallback && !mapped; i++)
		if (r->fallback[i].from == *format) {
			*format = r->fallback[i].to;
			mapped = 1;
		}
	if (mapped && t->ne[0] % row_unit(&f[*format]) == 0)
		return OK;
	if (r->last_resort == NO_FORMAT || (r->packing == PACK_GGUF && !mapped && row_unit(&f[*format]) > 32))
		return error_set(err, E_FORMAT, "%s: %s has rows of %llu, but %s takes multiples of %u and has no fallback", r->name,
				 role_names[t->role], (unsigned long long)t->ne[0], f[*format].name, row_unit(&f[*format]));
	*format = r->last_resort;
	return OK;
}

int recipe_format(uint16_t *out, struct recipe_state *s, const struct tensor *t, int layer, struct error *err)
{
	const struct recipe *r = s->recipe;
	struct place p = place_of(s, t->role, layer);
	int vector = t->ne[1] <= 1 && t->ne[2] <= 1;

	*out = r->plain;
	if (t->scales || (vector && t->role != ROLE_ENCODER) || (s->keep[t->role / 64] >> (t->role % 64) & 1))
		return OK;
	*out = r->base;
	for (unsigned i = 0; i < r->n_rules; i++) {
		const struct rule *u = &r->rules[i];

		if (!rule_matches(u, s, t, &p, *out))
			continue;
		*out = u->format;
		if (!u->then)
			break;
	}
	return vector ? OK : fit_row(out, s, t, err);
}
