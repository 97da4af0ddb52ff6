/* ops.c - lowering a model into the operations of one step: the list, layers, both ends */
#include "calc/ops_build.h"

#include "base/units.h"
#include "calc/part_tensors.h"

#include <string.h>

const char *const op_names[] = { "embed", "norm", "linear", "act", "gate", "concat", "qk_store", "attn", "index", "compress", "conv", "delta", "ssd",
	"route", "experts", "add", "mix", "head", "rows", "decay", "per_layer", "bank", "res_mix", "scale", NULL };

static void *grow(struct lowering *w, void *old, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 256;
	void *p = arena_array(w->a, more, size);

	if (!p) {
		w->failed = 1;
		return old;
	}
	if (n)
		memcpy(p, old, n * size);
	*cap = more;
	return p;
}

/* An activation of n numbers a token, in f32 as every engine keeps them between ops of this granularity. */
static uint32_t act(struct lowering *w, uint64_t n)
{
	struct op_list *l = w->l;
	uint64_t bytes;

	if (l->n_act == l->cap_act)
		l->act = grow(w, l->act, l->n_act, &l->cap_act, sizeof *l->act);
	if (w->failed || u64_mul(&bytes, n, w->rows ? l->shape.outputs : l->shape.tokens) || u64_mul(&bytes, bytes, 4)) {
		w->failed = 1;
		return NO_ACT;
	}
	l->act[l->n_act] = (struct activation){ .bytes = bytes, .n = n, .def = l->n, .last = l->n };
	return l->n_act++;
}

struct op *op_add(struct lowering *w, enum op_kind kind)
{
	static _Thread_local struct op lost;
	struct op_list *l = w->l;

	if (l->n == l->cap)
		l->op = grow(w, l->op, l->n, &l->cap, sizeof *l->op);
	if (w->failed)
		return &lost;
	struct op *o = &l->op[l->n++];
	o->kind = (uint16_t)kind;
	o->layer = (uint16_t)w->layer;
	o->part = w->part;
	o->branch = w->branch;
	o->rows = w->rows;
	for (unsigned i = 0; i < 4; i++)
		o->in[i] = o->out[i] = NO_ACT;
	return o;
}
void op_reads(struct lowering *w, struct op *o, uint32_t a)
{
	for (unsigned i = 0; i < 4 && a != NO_ACT; i++)
		if (o->in[i] == NO_ACT || o->in[i] == a) {
			o->in[i] = a;
			break;
		}
	if (a != NO_ACT && !w->failed)
		w->l->act[a].last = w->l->n - 1;
}
uint32_t op_makes(struct lowering *w, struct op *o, unsigned slot, uint64_t n)
{
	uint32_t a = act(w, n);

	if (a != NO_ACT)
		w->l->act[a].def = w->l->act[a].last = w->l->n - 1;
	o->out[slot] = a;
	return a;
}

uint32_t op_norm(struct lowering *w, uint32_t in, unsigned id, uint64_t n)
{
	struct op *o = op_add(w, OP_NORM);

	o->u.norm.n = n;
	o->w[0] = (uint16_t)id;
	o->in_place = 1;
	op_reads(w, o, in);
	return op_makes(w, o, 0, n);
}
uint32_t op_linear_role(struct lowering *w, uint32_t in, enum role role, uint64_t n_in, uint64_t n_out, uint64_t groups)
{
	struct op *o = op_add(w, OP_LINEAR);
	uint16_t f = op_format(&w->formats, role, w->layer);

	o->math = op_math(&w->formats, f);
	o->u.linear.n_in = n_in;
	o->u.linear.n_out[0] = n_out;
	o->u.linear.groups = groups ? groups : 1;
	o->u.linear.n_weights = 1;
	o->u.linear.format[0] = f;
	op_reads(w, o, in);
	return op_makes(w, o, 0, n_out * (groups ? groups : 1));
}
uint32_t op_linear(struct lowering *w, uint32_t in, unsigned id, unsigned bias, uint64_t n_in, uint64_t n_out, uint64_t groups)
{
	uint32_t n = w->l->n, out = op_linear_role(w, in, weight_role(id), n_in, n_out, groups);

	if (!w->failed) {
		w->l->op[n].w[0] = (uint16_t)id;
		w->l->op[n].w[1] = (uint16_t)bias;
	}
	return out;
}
uint32_t op_simple(struct lowering *w, enum op_kind kind, uint32_t in, uint32_t in2, uint64_t n)
{
	struct op *o = op_add(w, kind);

	o->u.norm.n = n;
	o->in_place = kind == OP_ADD || kind == OP_MIX || kind == OP_GATE || kind == OP_SCALE;
	op_reads(w, o, in);
	op_reads(w, o, in2);
	return op_makes(w, o, 0, n);
}
uint32_t op_memory(struct lowering *w, enum op_kind kind, uint32_t in, uint64_t n)
{
	uint32_t a = op_simple(w, kind, in, NO_ACT, n);

	if (!w->failed)
		w->l->op[w->l->n - 1].bytes_only = 1;
	return a;
}

void lower_rows(struct lowering *w, uint32_t *a, uint32_t *b)
{
	uint32_t *of[2] = { a, b };
	struct op *o;

	if (w->rows || w->failed)
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (!of[i] || *of[i] == NO_ACT)
			continue;
		uint64_t n = w->l->act[*of[i]].n;
		w->rows = 0;
		o = op_add(w, OP_ROWS);
		o->u.norm.n = n;
		op_reads(w, o, *of[i]);
		w->rows = 1;
		*of[i] = op_makes(w, o, 0, n);
	}
	w->rows = 1;
}

/* x: normed; router: what the router of experts reads, usually the same. */
static uint32_t lower_part(struct lowering *w, uint32_t x, uint32_t router, uint16_t index)
{
	const struct part *p = &w->m->parts[index];
	uint32_t y;

	w->part = index;
	y = p->type == PART_MLP || p->type == PART_MOE ? lower_feed(w, x, router, p) : lower_mixer(w, x, p);
	w->part = NO_PART;
	return y;
}

/* Nothing of the last branch is asked for but the rows that need logits, when it mixes no tokens. */
static int mixes_nothing(const struct model_spec *m, const struct branch *b)
{
	for (unsigned p = 0; p < b->n_parts; p++)
		if (m->parts[b->part[p]].type != PART_MLP && m->parts[b->part[p]].type != PART_MOE)
			return 0;
	return 1;
}

/* Gemma 4 26B: dense and routed feed-forward side by side, each with a norm after it, the experts with one of their own before; their router reads the
 * stream itself (llama.cpp src/models/gemma4.cpp). */
static uint32_t lower_side_by_side(struct lowering *w, uint32_t normed, const struct branch *b)
{
	uint32_t sum = NO_ACT;

	for (unsigned p = 0; p < b->n_parts; p++) {
		int routed = w->m->parts[b->part[p]].type == PART_MOE;
		uint32_t in = routed ? stream_norm(w, w->x, W_PRE_FFN_NORM_2) : normed;
		uint32_t y = stream_norm(w, lower_part(w, in, w->x, b->part[p]), routed ? W_POST_FFN_NORM_2 : W_POST_FFN_NORM_1);
		sum = sum == NO_ACT ? y : op_simple(w, OP_ADD, sum, y, w->m->width);
	}
	return sum;
}

static void lower_layer(struct lowering *w, const struct layer_kind *k)
{
	uint64_t width = w->m->width, streams = w->m->residual_streams > 1 ? w->m->residual_streams : 1;
	int own = w->l->shape.own, parallel = own && w->l->shape.parallel, early = own && w->l->shape.early_router;
	uint32_t found = w->x;

	for (unsigned i = 0; i < k->n_branches; i++) {
		const struct branch *b = &k->branch[i];
		w->branch = (uint8_t)i;
		if (own && streams == 1 && w->layer + 1 == w->m->n_layers && i + 1 == k->n_branches && mixes_nothing(w->m, b))
			lower_rows(w, &w->x, w->m->residual_block ? &w->bank : i && (parallel || early) ? &found : &w->per_layer);
		uint32_t in = parallel && i ? found : w->x, sum = NO_ACT;
		int banked = 0;

		if (own && w->m->residual_block) {
			in = res_mix(w, i ? W_RES_FFN : W_RES_ATTN);
			banked = res_bank(w, i);
		}

		if (streams > 1)
			in = op_simple(w, OP_MIX, in, NO_ACT, width);
		if (b->norm == NORM_PRE || b->norm == NORM_SANDWICH)
			in = stream_norm(w, in, branch_norm_id(w->m, k, i, 0));
		for (unsigned p = 0; p < b->n_parts; p++) {
			if (own && i && k->extra_norms) {
				sum = lower_side_by_side(w, in, b);
				break;
			}
			uint32_t y = lower_part(w, in, early ? found : in, b->part[p]);
			sum = sum == NO_ACT ? y : op_simple(w, OP_ADD, sum, y, width);
		}
		if (own && w->l->shape.mixture_scaled && b->n_parts > 1 && mixes_nothing(w->m, b))
			sum = op_simple(w, OP_SCALE, sum, NO_ACT, width);
		if (b->norm == NORM_POST || b->norm == NORM_SANDWICH)
			sum = stream_norm(w, sum, branch_norm_id(w->m, k, i, 1));
		/* the branch's output takes the sum: llama.cpp adds the residual to it; src/engine adds it to the residual */
		if (banked) {
			w->x = sum;
			continue;
		}
		enum op_kind join = streams > 1 || (w->m->residual_block && !own) ? OP_MIX : OP_ADD;
		w->x = own ? op_simple(w, join, w->x, sum, streams * width) : op_simple(w, join, sum, w->x, streams * width);
		if (own && !w->failed)
			w->l->op[w->l->n - 1].residual = 1;
	}
	lower_extras(w, k);
}

/* What the host writes, alive from the start: the mask of the full cache and those of windows (f16 with flash attention, else f32), the
 * place of every V element (without it V is stored transposed), and a second input for embeddings that llama.cpp reserves and never frees
 * (0c1e57098, src/llama-graph.cpp, build_inp_embd; src/llama-kv-cache.cpp, build_input_v_idxs). */
static void inputs(struct lowering *w, struct op *o)
{
	struct op_list *l = w->l;
	uint64_t width = 0, window = 0, numbers;
	int full = 0;

	for (uint16_t i = 0; i < w->m->n_parts; i++) {
		const struct part *p = &w->m->parts[i];
		if (p->type == PART_GQA) {
			uint64_t v = (uint64_t)p->u.gqa.kv_heads * p->u.gqa.v_dim;
			width = v > width ? v : width;
			full |= p->u.gqa.span == SPAN_FULL;
			window = p->u.gqa.span_tokens > window ? p->u.gqa.span_tokens : window;
		} else if (p->type == PART_MLA || p->type == PART_CSA) {
			full = 1;
		}
	}
	if (window + l->shape.tokens > l->shape.context_max)
		window = window ? l->shape.context_max : 0;
	else if (window)
		window = u64_round_up(window + l->shape.tokens, 256);
	uint32_t twin = op_makes(w, o, 0, w->m->width);
	l->mask = full ? op_makes(w, o, 1, l->shape.context_max) : window ? op_makes(w, o, 1, window) : NO_ACT;
	numbers = (full ? window : 0) + (l->flash ? 0 : 2 * width * (uint64_t)(1 + (window > 0 && full)));
	l->rest = numbers ? op_makes(w, o, 2, numbers) : NO_ACT;
	if (w->failed)
		return;
	if (l->mask != NO_ACT) {
		l->act[l->mask].host = 1;
		if (l->flash)
			l->act[l->mask].bytes /= 2;
	}
	if (l->rest != NO_ACT) {
		l->act[l->rest].host = 1;
		if (l->flash)
			l->act[l->rest].bytes /= 2;
	}
	l->act[twin].host = l->act[twin].keep = 1;
	/* DeepSeek's indexer: a mask of the chosen entries for every layer that has one, all of them leafs of the graph (deepseek32.cpp) */
	uint64_t chosen = 0;
	for (uint32_t i = 0; i < w->m->n_layers; i++) {
		const struct layer_kind *k = &w->m->kinds[w->m->kind_of[i]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned n = 0; n < k->branch[b].n_parts; n++) {
				const struct part *p = &w->m->parts[k->branch[b].part[n]];
				if (p->type == PART_MLA && p->u.mla.index.q_heads && p->u.mla.index.own == OWN_STATE)
					chosen += p->u.mla.index.top_tokens;
			}
	}
	if (chosen) {
		struct op *leafs = op_add(w, OP_EMBED);
		uint32_t a = op_makes(w, leafs, 0, chosen);
		if (a != NO_ACT)
			l->act[a].keep = 1;
	}
}

int ops_begin(struct lowering *w, struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s,
	struct arena *a, struct error *err)
{
	uint64_t streams = m->residual_streams > 1 ? m->residual_streams : 1;
	int rc;

	*w = (struct lowering){ .l = out, .a = a, .m = m, .set = set, .layer = m->n_layers, .part = NO_PART, .per_layer = NO_ACT, .choice = NO_ACT, .bank = NO_ACT };
	*out = (struct op_list){ .model = m, .quants = q, .shape = *s, .flash = set->flash != FLASH_OFF };
	if (!s->sizes_only && (rc = op_formats_read(&w->formats, m, q, set, a, err)) != OK)
		return rc;
	out->mask = out->rest = NO_ACT;
	struct op *o = op_add(w, OP_EMBED);
	o->u.norm.n = m->width;
	o->w[0] = W_EMBED;
	if (s->own)
		out->flash = 1;
	else
		inputs(w, o);
	w->x = op_makes(w, o, 3, m->width * streams);
	if (s->own)
		own_inputs(w);
	else if (m->per_layer_embed)
		op_linear(w, w->x, W_PLE_PROJ, W_NONE, m->width, (uint64_t)m->per_layer_embed * m->n_layers, 1);
	return OK;
}

void ops_layer(struct lowering *w, uint32_t layer)
{
	w->layer = layer;
	lower_layer(w, &w->m->kinds[w->m->kind_of[layer]]);
}

int ops_end(struct lowering *w, struct error *err)
{
	const struct model_spec *m = w->m;

	w->layer = m->n_layers;
	if (w->l->shape.own)
		lower_rows(w, &w->x, &w->bank);
	if (w->l->shape.own && m->residual_block)
		w->x = res_mix(w, W_RES_OUT);
	uint32_t last = m->no_final_norm && w->l->shape.own ? w->x : stream_norm(w, w->x, W_OUT_NORM);
	struct op *o = op_add(w, OP_HEAD);
	o->w[0] = W_HEAD;
	o->w[1] = m->head_bias ? W_HEAD_B : W_NONE;
	o->u.linear.n_in = m->width;
	o->u.linear.n_out[0] = m->vocab;
	o->u.linear.groups = o->u.linear.n_weights = 1;
	o->u.linear.format[0] = op_format(&w->formats, m->tied_head ? ROLE_EMBED : ROLE_HEAD, m->n_layers);
	o->math = op_math(&w->formats, o->u.linear.format[0]);
	op_reads(w, o, last);
	uint32_t logits = op_makes(w, o, 0, m->vocab);
	if (w->failed || u64_mul(&w->l->act[logits].bytes, (uint64_t)m->vocab * 4, w->l->shape.outputs))
		return error_set(err, E_NOMEM, "out of memory, or a step of %llu tokens is too large to lay out", (unsigned long long)w->l->shape.tokens);
	return OK;
}

int ops_lower(struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s, struct arena *a, struct error *err)
{
	struct lowering w;
	int rc = ops_begin(&w, out, m, q, set, s, a, err);

	if (rc != OK)
		return rc;
	for (uint32_t i = 0; i < m->n_layers && !w.failed; i++)
		ops_layer(&w, i);
	return ops_end(&w, err);
}
