/* bind.c - from the three lists to bound ops */
#include "engine/bind.h"

#include "base/units.h"
#include "calc/buffers.h"
#include "formats.h"

#include <string.h>
#include <unistd.h>

/* Contiguous entries a slot, windows are rings of window + ubatch. */
const struct engine_profile engine_self = { .id = "ullage", .name = "ullage", .cache = CACHE_SLOTS, .context_pad = 1, .window_pad = 1, .compressed_pad = 1, .ubatch = 512, .batch = 512,
	.graph_pad = 256, .logits_last = 1,
	/* all else is f32 */
	.state = { [TYPE_KV_K] = { .user = TYPE_USER_K }, [TYPE_KV_V] = { .user = TYPE_USER_V }, [TYPE_LATENT] = { .user = TYPE_USER_K }, [TYPE_INDEX] = { .user = TYPE_USER_K },
		[TYPE_COMPRESSED] = { .user = TYPE_USER_K } } };

static int refuse(const struct weights *w, const char *what, struct error *err)
{
	error_set(err, E_ARCH, "%s: %s is not run yet (architecture %s)", w->file, what, w->model.architecture);
	error_hint(err, "ullage estimate sizes it all the same");
	return E_ARCH;
}

/* What the lowering has ops for, but src/engine no way to run. */
static int check_runs(const struct weights *w, struct error *err)
{
	const struct model_spec *m = &w->model;

	if (m->residual_streams > 1)
		return refuse(w, "a residual of several streams (hyper-connections)", err);
	if (m->residual_block && m->n_layers / m->residual_block >= 64)
		return refuse(w, "a mix of more than 64 kept streams", err);
	for (unsigned i = 0; i < m->n_kinds; i++)
		if ((m->kinds[i].extra_norms && m->kinds[i].extra_norms != 3) || m->kinds[i].extra_scalars > 1)
			return refuse(w, "a layer with other norms or scales beside its branches than Gemma 4's", err);
	for (unsigned i = 0; i < m->n_parts; i++) {
		const struct part *p = &m->parts[i];
		if (p->type == PART_CSA)
			return refuse(w, "compressed attention", err);
		if (p->type == PART_GQA && p->u.gqa.index.q_heads && (p->u.gqa.index.head_weights || p->u.gqa.index.q_heads != p->u.gqa.kv_heads || !p->u.gqa.index.block_tokens))
			return refuse(w, "an indexer that chooses other than blocks for every K/V head", err);
		if (p->type == PART_MLA && p->u.mla.index.q_heads && (!p->u.mla.index.head_weights || p->u.mla.index.block_tokens))
			return refuse(w, "an indexer of a latent cache that chooses blocks, or whose heads have no weights", err);
		if (p->type == PART_MOE && p->u.moe.hash_layer)
			return refuse(w, "a router with a table of its own", err);
	}
	return OK;
}

struct placing {
	struct bound *b;
	const struct weights *w;
	struct settings set;
	uint64_t at, grows_end;
	uint32_t cap;
	int pass;                                /* 0: count; 1: KV; 2: what does not grow */
	uint32_t kv_k, kv_v;
};

static int place_state(void *user, const struct state_item *s, struct error *err)
{
	struct placing *p = user;
	struct bound *b = p->b;
	uint64_t entries, slots = b->limits.slots;
	unsigned chosen = engine_self.state[s->type_rule].user;
	uint32_t format = chosen == TYPE_USER_K ? p->kv_k : chosen == TYPE_USER_V ? p->kv_v : KF_F32;
	const struct kformat *f = kformat_find(format);
	int rc = state_entries(&entries, s, &engine_self, &p->set, err), fixed = s->growth == GROW_FIXED;

	if (rc != OK)
		return rc;
	if (s->type_rule == TYPE_INDEX_V)        /* nobody reads it */
		return OK;
	if (p->pass == 0) {
		b->n_states += layer_count(&s->layers);
		return OK;
	}
	if (fixed != (p->pass == 2))
		return OK;
	if (!f || s->row % f->block)
		return error_set(err, E_FORMAT, "%s: a cache row of %u numbers is no multiple of %u, a block of %s", p->w->file, s->row, f ? f->block : 0, f ? f->name : "this format");
	for (unsigned l = layer_first(&s->layers); l < MAX_LAYERS; l = layer_next(&s->layers, l)) {
		struct state_block *k = &b->states[b->n_states++];
		*k = (struct state_block){ .role = s->role, .layer = (uint16_t)l, .kernel_format = format, .row = s->row, .heads = s->rows, .at = p->at };
		k->entries = fixed ? 1 : (uint32_t)(entries / slots);
		k->row_bytes = (uint64_t)s->row / f->block * f->bytes;
		if (u64_mul(&k->head_bytes, k->row_bytes, k->entries) || u64_mul(&k->slot_bytes, k->head_bytes, k->heads) || u64_mul(&entries, k->slot_bytes, slots) ||
		    u64_add(&p->at, p->at, entries) || p->at > UINT64_MAX / 2)
			return error_set(err, E_USAGE, "%s: the states of %llu tokens for each of %u sequences overflow", p->w->file, (unsigned long long)p->set.ctx_tokens, b->limits.slots);
		p->at = u64_round_up(p->at, 64);
		entries = (uint64_t)k->entries * slots;
	}
	return OK;
}

static int place_states(struct bound *b, const struct weights *w, uint32_t kv_k, uint32_t kv_v, struct error *err)
{
	struct placing p = { .b = b, .w = w, .kv_k = kv_k, .kv_v = kv_v };
	int rc;

	p.set = (struct settings){ .engine = &engine_self, .ctx_tokens = b->limits.ctx_tokens, .sequences = b->limits.slots, .ubatch = b->limits.max_tokens, .batch = b->limits.max_tokens };
	if ((rc = state_walk(&w->model, 0, place_state, &p, err)) != OK)
		return rc;
	b->states = arena_array(&b->arena, b->n_states ? b->n_states : 1, sizeof *b->states);
	if (!b->states)
		return error_set(err, E_NOMEM, "out of memory");
	b->n_states = 0;
	for (p.pass = 1; p.pass <= 2; p.pass++) {
		if ((rc = state_walk(&w->model, 0, place_state, &p, err)) != OK)
			return rc;
		if (p.pass == 1)
			p.grows_end = p.at = u64_round_up(p.at, (uint64_t)sysconf(_SC_PAGESIZE));
	}
	b->binding.kv_bytes = p.grows_end;
	b->binding.state_bytes = p.at - p.grows_end;
	b->binding.states = b->states;
	b->binding.n_states = b->n_states;
	return OK;
}

static const struct state_block *state_of(const struct bound *b, unsigned layer, unsigned role)
{
	for (uint32_t i = 0; i < b->n_states; i++)
		if (b->states[i].layer == layer && b->states[i].role == role)
			return &b->states[i];
	return NULL;
}

/* The layer whose K and V a part reads: its own, or for REUSE_LAST that of the last layer before it with the same span that owns some. */
static unsigned owner_of(const struct model_spec *m, unsigned layer, const struct gqa_spec *g)
{
	if (g->own == OWN_STATE)
		return layer;
	while (layer-- > 0) {
		const struct layer_kind *k = &m->kinds[m->kind_of[layer]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned i = 0; i < k->branch[b].n_parts; i++) {
				const struct part *p = &m->parts[k->branch[b].part[i]];
				if (p->type == PART_GQA && p->u.gqa.own == OWN_STATE && p->u.gqa.span == g->span)
					return layer;
			}
	}
	return MAX_LAYERS;
}

static int bind_states(struct bound_op *o, const struct bound *b, const struct model_spec *m, const struct weights *w, struct error *err)
{
	unsigned layer = o->op->layer;

	switch (o->op->kind) {
	case OP_QK_STORE:
	case OP_ATTN:
		if (o->part->type == PART_MLA) {
			o->state[0] = o->state[1] = state_of(b, layer, STATE_LATENT);
		} else {
			unsigned owner = owner_of(m, layer, &o->part->u.gqa);
			o->state[0] = state_of(b, owner, STATE_K);
			o->state[1] = state_of(b, owner, STATE_V);
		}
		break;
	case OP_DELTA:
	case OP_SSD:
		o->state[0] = state_of(b, layer, STATE_RECURRENT);
		o->state[1] = state_of(b, layer, STATE_CONV);
		break;
	case OP_INDEX:
		o->state[0] = o->state[1] = state_of(b, layer, STATE_INDEX);
		break;
	case OP_CONV:
		o->state[0] = o->state[1] = state_of(b, layer, STATE_CONV);
		break;
	default:
		return OK;
	}
	if (!o->state[0] || !o->state[1])
		return error_set(err, E_ARCH, "%s: layer %u has no state for its %s", w->file, layer, op_names[o->op->kind]);
	return OK;
}

/* What files may do without: a bias of the router, and one tensor where another packing has two. */
static int may_miss(unsigned id)
{
	return id == W_ROUTER_B || id == W_ROUTER_BIAS || id == W_SSM_BETA_ALPHA;
}

static int bind_op(struct bound_op *out, const struct bound *b, const struct op *op, const struct buffer_plan *plan, const struct weights *w, struct error *err)
{
	const struct model_spec *m = &w->model;
	int layer = op->layer < m->n_layers ? (int)op->layer : -1;

	*out = (struct bound_op){ .op = op, .part = op->part != NO_PART ? &m->parts[op->part] : NULL };
	for (unsigned i = 0; i < OP_WEIGHTS; i++) {
		if (op->w[i] == W_NONE)
			continue;
		out->w[i] = weights_find(w, op->w[i], weight_of_model(op->w[i]) ? -1 : layer);
		if (!out->w[i] && !may_miss(op->w[i])) {
			if (layer >= 0)
				return error_set(err, E_FILE, "%s: there is no tensor blk.%d.%s", w->file, layer, weight_gguf(op->w[i]));
			return error_set(err, E_FILE, "%s: there is no tensor %s", w->file, weight_gguf(op->w[i]));
		}
	}
	if (op->w[0] == W_SSM_BETA_ALPHA && !out->w[0]) {        /* stored apart: beta's rows come first */
		out->w[2] = weights_find(w, W_SSM_BETA, layer);
		out->w[3] = weights_find(w, W_SSM_ALPHA, layer);
		if (!out->w[2] || !out->w[3])
			return error_set(err, E_FILE, "%s: layer %d has neither ssm_ba nor ssm_beta and ssm_alpha", w->file, layer);
	}
	for (unsigned i = 0; i < 4; i++) {
		out->in[i] = op->in[i] == NO_ACT ? NO_AT : (int64_t)plan->at[op->in[i]];
		out->out[i] = op->out[i] == NO_ACT ? NO_AT : (int64_t)plan->at[op->out[i]];
		out->n_in[i] = op->in[i] == NO_ACT ? 0 : b->ops.act[op->in[i]].n;
		out->n_out[i] = op->out[i] == NO_ACT ? 0 : b->ops.act[op->out[i]].n;
	}
	return bind_states(out, b, m, w, err);
}

/* Does a layer whose attention is gated element by element have the gate as a matrix of its own? Delta nets call theirs the same. */
static uint8_t gate_apart(const struct weights *w)
{
	const struct model_spec *m = &w->model;

	for (uint32_t l = 0; l < m->n_layers; l++) {
		const struct layer_kind *k = &m->kinds[m->kind_of[l]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned i = 0; i < k->branch[b].n_parts; i++) {
				const struct part *p = &m->parts[k->branch[b].part[i]];
				if (p->type == PART_GQA && p->u.gqa.gate == GATE_ELEMENT)
					return weights_find(w, W_ATTN_GATE, (int)l) != NULL;
			}
	}
	return 0;
}

int bind_model(struct bound *out, const struct weights *w, const struct limits *lim, uint32_t kv_k, uint32_t kv_v, struct error *err)
{
	struct buffer_plan plan;
	struct settings set = { .engine = &engine_self, .ctx_tokens = lim->ctx_tokens, .sequences = lim->slots, .ubatch = lim->max_tokens };
	struct shape s = { .tokens = lim->max_tokens, .sequences = lim->slots, .outputs = lim->max_outputs, .context_max = lim->ctx_tokens, .sizes_only = 1, .own = 1 };
	int rc;

	s.gate_apart = gate_apart(w);
	s.parallel = w->hyper.parallel;
	s.early_router = w->hyper.early_router;
	s.mixture_scaled = w->hyper.mixture_scale != 1;
	*out = (struct bound){ .limits = *lim };
	out->binding = (struct binding){ .weights = w, .model = &w->model };
	if ((rc = check_runs(w, err)) != OK || (rc = ops_lower(&out->ops, &w->model, w->quants, &set, &s, &out->arena, err)) != OK ||
	    (rc = buffers_plan(&plan, &out->ops, engine_self.graph_pad, &out->arena, err)) != OK || (rc = place_states(out, w, kv_k, kv_v, err)) != OK)
		goto out;
	out->op = arena_array(&out->arena, out->ops.n, sizeof *out->op);
	if (!out->op) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < out->ops.n && rc == OK; i++)
		rc = bind_op(&out->op[out->n++], out, &out->ops.op[i], &plan, w, err);
	out->binding.arena_bytes = plan.bytes;
	out->binding.logits_at = out->n ? out->op[out->n - 1].out[0] : NO_AT;
out:
	if (rc != OK)
		bound_free(out);
	return rc;
}

void bound_free(struct bound *b)
{
	if (!b)
		return;
	arena_free(&b->arena);
	*b = (struct bound){ 0 };
}
