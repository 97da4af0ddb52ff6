/* buffers.c - layout of activations by liveness */
#include "calc/buffers.h"

#include "base/units.h"

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

int buffers_plan(struct buffer_plan *out, const struct op_list *ops, uint64_t align, struct arena *a, struct error *err)
{
	struct layout l = { .n = 1, .hole = { { 0, UINT64_MAX / 2 } } };
	uint64_t *owner_bytes = arena_array(a, ops->n_act + 1, sizeof *owner_bytes);

	*out = (struct buffer_plan){ .at = arena_array(a, ops->n_act + 1, sizeof *out->at) };
	if (!out->at || !owner_bytes)
		return error_set(err, E_NOMEM, "out of memory");
	for (uint32_t i = 0; i < ops->n; i++) {
		const struct op *op = &ops->op[i];
		for (unsigned k = 0; k < 4; k++) {
			uint32_t id = op->out[k];
			if (id == NO_ACT)
				continue;
			uint64_t bytes = u64_round_up(ops->act[id].bytes, align);
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
					out->at[id] = out->at[in];
					owner_bytes[id] = owner_bytes[in];
					owner_bytes[in] = 0;
					break;
				}
			}
			if (owner_bytes[id])
				continue;
			uint64_t before = l.top;
			out->at[id] = place(&l, bytes);
			owner_bytes[id] = bytes;
			if (l.top > before)
				out->peak_op = i;
		}
		for (unsigned k = 0; k < 4; k++)
			for (unsigned side = 0; side < 2; side++) {
				uint32_t id = side ? op->out[k] : op->in[k];
				if (id == NO_ACT || !owner_bytes[id] || ops->act[id].keep || ops->act[id].last > i || (ops->act[id].last == i && i + 1 == ops->n))
					continue;
				if (release(&l, out->at[id], owner_bytes[id]))
					return error_set(err, E_FORMAT, "more than %d gaps in the activation arena", MAX_HOLES);
				owner_bytes[id] = 0;
			}
	}
	out->bytes = l.top;
	return OK;
}

int buffers_for(struct buffer_plan *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err)
{
	struct op_list ops;
	uint64_t n_ctx, tokens, cells;
	int rc;

	*out = (struct buffer_plan){ 0 };
	if (set->engine->cache == CACHE_IDEAL)
		return OK;
	if (u64_mul(&n_ctx, set->ctx_tokens, set->sequences))
		return error_set(err, E_USAGE, "%llu tokens for each of %u sequences overflow 64 bits", (unsigned long long)set->ctx_tokens, set->sequences);
	/* the longest full-attention cache sets the mask and the scores */
	cells = set->engine->context_pad ? u64_round_up(n_ctx, set->engine->context_pad) : n_ctx;
	tokens = set->ubatch < n_ctx ? set->ubatch : n_ctx;
	struct shape s = { .tokens = tokens, .sequences = set->sequences, .outputs = tokens, .context_mean = 0, .context_max = cells, .sizes_only = 1 };
	if ((rc = ops_lower(&ops, m, q, set, &s, a, err)) != OK)
		return rc;
	return buffers_plan(out, &ops, set->engine->graph_pad ? set->engine->graph_pad : 256, a, err);
}
