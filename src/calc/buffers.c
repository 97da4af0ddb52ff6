/* buffers.c - layout of activations by liveness */
#include "calc/buffers.h"

#include "base/units.h"

#include <string.h>

enum { MAX_HOLES = 1024 };
struct hole { uint64_t at, bytes; };
struct layout {
	struct hole hole[MAX_HOLES];
	unsigned n;
	uint64_t top;                    /* end of the highest block ever placed */
};

/* The smallest hole that is large enough; when none is, the last one, which reaches to infinity (as ggml-alloc.c does). */
static uint64_t place(struct layout *l, uint64_t bytes)
{
	unsigned best = l->n - 1;

	for (unsigned i = 0; i + 1 < l->n; i++)
		if (l->hole[i].bytes >= bytes && (best == l->n - 1 || l->hole[i].bytes <= l->hole[best].bytes))
			best = i;
	struct hole *h = &l->hole[best];
	uint64_t at = h->at;
	h->at += bytes;
	h->bytes -= bytes;
	if (h->bytes == 0) {
		for (unsigned j = best + 1; j < l->n; j++)
			l->hole[j - 1] = l->hole[j];
		l->n--;
	}
	if (at + bytes > l->top)
		l->top = at + bytes;
	return at;
}

static int release(struct layout *l, uint64_t at, uint64_t bytes)
{
	unsigned i = 0;

	while (i < l->n && l->hole[i].at < at)
		i++;
	int joins_left = i > 0 && l->hole[i - 1].at + l->hole[i - 1].bytes == at;
	int joins_right = i < l->n && at + bytes == l->hole[i].at;
	if (joins_left && joins_right) {
		l->hole[i - 1].bytes += bytes + l->hole[i].bytes;
		for (unsigned j = i + 1; j < l->n; j++)
			l->hole[j - 1] = l->hole[j];
		l->n--;
	} else if (joins_left) {
		l->hole[i - 1].bytes += bytes;
	} else if (joins_right) {
		l->hole[i].at = at;
		l->hole[i].bytes += bytes;
	} else {
		if (l->n == MAX_HOLES)
			return -1;
		for (unsigned j = l->n; j > i; j--)
			l->hole[j] = l->hole[j - 1];
		l->hole[i] = (struct hole){ at, bytes };
		l->n++;
	}
	return 0;
}

/* A plan under way: what is placed so far, and where. */
struct planner {
	struct layout l;
	struct buffer_plan *out;
	uint64_t *at, *owner_bytes;      /* by activation; owner_bytes 0: not placed, or free again */
	uint32_t cap, next;              /* of both arrays; the next op */
	uint64_t align;
	struct arena *a;
};

static int room_for(struct planner *p, uint32_t n, struct error *err)
{
	if (n <= p->cap && p->at)
		return OK;
	uint32_t cap = p->cap * 2 > n ? p->cap * 2 : n;
	uint64_t *at = arena_array(p->a, cap, sizeof *at), *owner = arena_array(p->a, cap, sizeof *owner);
	if (!at || !owner)
		return error_set(err, E_NOMEM, "out of memory");
	for (uint32_t i = 0; i < p->cap; i++) {
		at[i] = p->at[i];
		owner[i] = p->owner_bytes[i];
	}
	p->at = at;
	p->owner_bytes = owner;
	p->cap = cap;
	return OK;
}

/* Places what the ops from p->next on make. whole: these are the last ones, whose results stay. */
static int plan_ops(struct planner *p, const struct op_list *ops, int whole, struct error *err)
{
	struct buffer_plan *out = p->out;
	int rc = room_for(p, ops->n_act + 1, err);
	uint64_t *owner_bytes = p->owner_bytes;

	if (rc != OK)
		return rc;
	for (uint32_t i = p->next; i < ops->n; i++) {
		const struct op *op = &ops->op[i];
		for (unsigned k = 0; k < 4; k++) {
			uint32_t id = op->out[k];
			if (id == NO_ACT)
				continue;
			uint64_t bytes = u64_round_up(ops->act[id].bytes, p->align);
			if (bytes >= UINT64_MAX / 4)
				return error_set(err, E_FORMAT, "an activation of %llu bytes overflows the plan", (unsigned long long)ops->act[id].bytes);
			if (ops->act[id].host && ops->act[id].keep)
				out->unread_bytes += bytes;
			if (ops->act[id].host && u64_add(&out->host_bytes, out->host_bytes, bytes))
				return error_set(err, E_FORMAT, "inputs overflow 64 bits");
			/* take over an input that ends here */
			for (unsigned j = 0; k == 0 && op->in_place && j < 4; j++) {
				uint32_t in = op->in[j];
				if (in != NO_ACT && owner_bytes[in] && ops->act[in].last == i && owner_bytes[in] == bytes && !ops->act[in].host) {
					p->at[id] = p->at[in];
					owner_bytes[id] = owner_bytes[in];
					owner_bytes[in] = 0;
					break;
				}
			}
			if (owner_bytes[id])
				continue;
			uint64_t before = p->l.top;
			p->at[id] = place(&p->l, bytes);
			owner_bytes[id] = bytes;
			if (p->l.top > before)
				out->peak_op = i;
		}
		for (unsigned k = 0; k < 4; k++)
			for (unsigned side = 0; side < 2; side++) {
				uint32_t id = side ? op->out[k] : op->in[k];
				if (id == NO_ACT || !owner_bytes[id] || ops->act[id].keep || ops->act[id].last > i ||
				    (ops->act[id].last == i && whole && i + 1 == ops->n))
					continue;
				if (release(&p->l, p->at[id], owner_bytes[id]))
					return error_set(err, E_FORMAT, "more than %d gaps in the activation arena", MAX_HOLES);
				owner_bytes[id] = 0;
			}
	}
	p->next = ops->n;
	return OK;
}

static void plan_begin(struct planner *p, struct buffer_plan *out, uint64_t align, struct arena *a)
{
	*out = (struct buffer_plan){ 0 };
	p->l.n = 1;
	p->l.hole[0] = (struct hole){ 0, UINT64_MAX / 2 };
	p->l.top = 0;
	p->out = out;
	p->at = p->owner_bytes = NULL;
	p->cap = p->next = 0;
	p->align = align;
	p->a = a;
}

int buffers_plan(struct buffer_plan *out, const struct op_list *ops, uint64_t align, struct arena *a, struct error *err)
{
	struct planner p;
	int rc;

	plan_begin(&p, out, align, a);
	rc = plan_ops(&p, ops, 1, err);
	out->at = p.at;
	out->bytes = p.l.top;
	return rc;
}

/* What a layer finds: the gaps, and where the residual stream lies. Two layers of one kind that find the same leave the same
 * behind, so the second need not be laid out: models repeat a few layers many times. */
enum { MAX_STATES = 24, MAX_STATE_HOLES = 24, NO_STATE = 255 };
struct boundary { uint64_t x_at, x_bytes; uint32_t x; unsigned n; struct hole hole[MAX_STATE_HOLES]; };
struct stride { uint16_t kind; uint8_t from, to; };
struct seen { struct boundary state[MAX_STATES]; unsigned n_states; struct stride stride[4 * MAX_STATES]; unsigned n_strides; };

/* Index of the planner's state, a new one if need be; NO_STATE when there is no room for it. */
static unsigned state_of(struct seen *s, const struct planner *p, uint32_t x)
{
	unsigned k;

	if (p->l.n > MAX_STATE_HOLES || !p->at)
		return NO_STATE;
	for (k = 0; k < s->n_states; k++) {
		const struct boundary *b = &s->state[k];
		if (b->n == p->l.n && b->x_at == p->at[x] && b->x_bytes == p->owner_bytes[x] && !memcmp(b->hole, p->l.hole, b->n * sizeof *b->hole))
			return k;
	}
	if (k == MAX_STATES)
		return NO_STATE;
	s->state[k] = (struct boundary){ .x_at = p->at[x], .x_bytes = p->owner_bytes[x], .x = x, .n = p->l.n };
	memcpy(s->state[k].hole, p->l.hole, p->l.n * sizeof *p->l.hole);
	s->n_states++;
	return k;
}

static unsigned state_behind(const struct seen *s, unsigned from, uint16_t kind)
{
	for (unsigned i = 0; i < s->n_strides; i++)
		if (s->stride[i].from == from && s->stride[i].kind == kind)
			return s->stride[i].to;
	return NO_STATE;
}

static void restore(struct planner *p, uint32_t *x, const struct boundary *b)
{
	*x = b->x;
	p->at[b->x] = b->x_at;
	p->owner_bytes[b->x] = b->x_bytes;
	p->l.n = b->n;
	memcpy(p->l.hole, b->hole, b->n * sizeof *b->hole);
}

static int attends(const struct model_spec *m, const struct layer_kind *k)
{
	for (unsigned b = 0; b < k->n_branches; b++)
		for (unsigned i = 0; i < k->branch[b].n_parts; i++) {
			uint8_t t = m->parts[k->branch[b].part[i]].type;
			if (t == PART_GQA || t == PART_MLA || t == PART_CSA)
				return 1;
		}
	return 0;
}

/* What is lowered so far; the residual stream will be read by the next layer, and the masks, if so, by a later one. */
static int plan_so_far(struct planner *p, struct lowering *w, int masks_live, struct error *err)
{
	struct op_list *ops = w->l;

	if (w->failed)
		return OK;               /* ops_end() says so */
	ops->act[w->x].last = UINT32_MAX;
	if (masks_live && ops->mask != NO_ACT)
		ops->act[ops->mask].last = UINT32_MAX;
	if (masks_live && ops->rest != NO_ACT)
		ops->act[ops->rest].last = UINT32_MAX;
	return plan_ops(p, ops, 0, err);
}

/* The same bytes as ops_lower() and buffers_plan(), with each repeated layer laid out once (tests/unit/lists.c compares them). */
static int plan_by_layers(struct buffer_plan *out, struct op_list *ops, const struct model_spec *m, const struct quants *q, const struct settings *set,
	const struct shape *shape, uint64_t align, struct arena *a, struct error *err)
{
	struct lowering w;
	struct planner *p = arena_alloc(a, sizeof *p);
	struct seen *seen = arena_alloc(a, sizeof *seen);
	uint32_t last_attention = 0;
	int rc;

	if (!p || !seen)
		return error_set(err, E_NOMEM, "out of memory");
	plan_begin(p, out, align, a);
	for (uint32_t i = 0; i < m->n_layers; i++)
		if (attends(m, &m->kinds[m->kind_of[i]]))
			last_attention = i;
	if ((rc = ops_begin(&w, ops, m, q, set, shape, a, err)) != OK || (rc = plan_so_far(p, &w, 1, err)) != OK)
		return rc;
	unsigned here = state_of(seen, p, w.x);
	for (uint32_t i = 0; i < m->n_layers && !w.failed; i++) {
		unsigned from = here, next;
		/* up to the last attention, which lets go of the masks */
		while (i < last_attention && here != NO_STATE && (next = state_behind(seen, here, m->kind_of[i])) != NO_STATE) {
			here = next;
			i++;
		}
		if (here != from) {
			restore(p, &w.x, &seen->state[here]);
			from = here;
		}
		ops_layer(&w, i);
		if (w.failed || (rc = plan_so_far(p, &w, i < last_attention, err)) != OK)
			break;
		here = i < last_attention ? state_of(seen, p, w.x) : NO_STATE;
		if (from != NO_STATE && here != NO_STATE && seen->n_strides < sizeof seen->stride / sizeof *seen->stride)
			seen->stride[seen->n_strides++] = (struct stride){ m->kind_of[i], (uint8_t)from, (uint8_t)here };
	}
	if (rc != OK || (rc = ops_end(&w, err)) != OK || (rc = plan_ops(p, ops, 1, err)) != OK)
		return rc;
	out->bytes = p->l.top;
	return OK;
}

/* What src/engine needs beside the activations (src/engine/cpu_place.c): inputs of products prepared (int8 with a scale and sums, 48 bytes for 32 numbers), once for
 * all threads and a block of 64 tokens for each; rows gathered for experts; cos and sin; a thread's attention tiles. Kernels of other instruction sets take less. */
enum { OWN_THREADS = 8, OWN_BLOCK = 64, OWN_TILE = 512 << 10 };
static int own_scratch(uint64_t *out, const struct op_list *l, const struct settings *set)
{
	uint64_t widest = 0, gathered = 0, dims = 0, row, all, threads = set->threads ? set->threads : OWN_THREADS, tokens = l->shape.tokens;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct op *o = &l->op[i];
		if ((o->kind == OP_LINEAR && o->u.linear.groups == 1) || o->kind == OP_HEAD)
			widest = o->u.linear.n_in > widest ? o->u.linear.n_in : widest;
		if (o->kind == OP_EXPERTS) {
			uint64_t n = o->u.experts.n_in > o->u.experts.width ? o->u.experts.n_in : o->u.experts.width;
			gathered = n * o->u.experts.per_token > gathered ? n * o->u.experts.per_token : gathered;
			widest = n > widest ? n : widest;
		}
	}
	for (uint16_t i = 0; i < l->model->n_rope; i++)
		dims += l->model->rope[i].dims;
	if (u64_mul(&row, widest + gathered, 48) || u64_mul(&all, row / 32 + dims * 4, tokens) || u64_mul(&row, widest * 48 / 32 * (tokens < OWN_BLOCK ? tokens : OWN_BLOCK) + OWN_TILE, threads))
		return -1;
	return u64_add(out, all, row);
}

int buffers_for(struct buffer_plan *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err)
{
	struct op_list ops;
	uint64_t n_ctx, tokens, cells;

	*out = (struct buffer_plan){ 0 };
	if (set->engine->cache == CACHE_IDEAL)
		return OK;
	if (u64_mul(&n_ctx, set->ctx_tokens, set->sequences))
		return error_set(err, E_USAGE, "%llu tokens for each of %u sequences overflow 64 bits", (unsigned long long)set->ctx_tokens, set->sequences);
	/* the longest full-attention cache sets the mask and the scores */
	cells = set->engine->context_pad ? u64_round_up(n_ctx, set->engine->context_pad) : n_ctx;
	tokens = set->ubatch < n_ctx ? set->ubatch : n_ctx;
	struct shape s = { .tokens = tokens, .sequences = set->sequences, .outputs = set->engine->logits_last ? set->sequences : tokens, .context_mean = 0, .context_max = cells, .sizes_only = 1,
		.own = settings_own(set) };
	uint64_t scratch;
	int rc = plan_by_layers(out, &ops, m, q, set, &s, set->engine->graph_pad ? set->engine->graph_pad : 256, a, err);
	if (rc != OK || !s.own)
		return rc;
	if (own_scratch(&scratch, &ops, set) || u64_add(&out->bytes, out->bytes, scratch))
		return error_set(err, E_FORMAT, "the scratch of a step of %llu tokens overflows", (unsigned long long)tokens);
	return OK;
}
