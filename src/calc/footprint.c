/* footprint.c - the tensor and state lists summed by layer */
#include "calc/footprint.h"

#include "base/units.h"

struct summing { struct footprint *f; struct error *err; uint64_t mtp_bytes; };

static int add(uint64_t *to, uint64_t bytes, struct error *err)
{
	return u64_add(to, *to, bytes) ? error_set(err, E_FORMAT, "weights overflow 64 bits") : OK;
}

/* Into how many equal shares a tensor divides: the power of two in its pieces (heads, experts); 1: copied. */
static unsigned log2_pieces(const struct tensor *t)
{
	unsigned n = 0;

	if (t->cut == CUT_NONE)
		return 0;
	for (uint64_t p = t->cut == CUT_VOCAB ? 64 : t->cut_pieces; p && p % 2 == 0 && n < 64; p /= 2)
		n++;
	return n;
}

static int sum_run(void *user, const struct tensor *t, struct error *err)
{
	struct summing *s = user;
	struct footprint *f = s->f;
	uint64_t all, one;
	unsigned layers = layer_count(&t->layers);
	int rc;

	if ((rc = tensor_run_bytes(&all, t, f->quants, err)) != OK || (rc = add(&f->weights[t->component][t->use], all, err)) != OK)
		return rc;
	if (t->component != COMP_TEXT)
		return OK;
	if ((rc = add(&f->cuttable_bytes[log2_pieces(t)], all, err)) != OK)
		return rc;
	if (layers) {
		one = all / layers;
		for (unsigned i = layer_first(&t->layers); i < f->n_layers; i = layer_next(&t->layers, i))
			if ((rc = add(&f->layer_bytes[i], one, err)) != OK || (t->use == USE_ROUTED && (rc = add(&f->expert_bytes[i], one, err)) != OK))
				return rc;
		return OK;
	}
	if (t->role == ROLE_EMBED && f->model->tied_head) {
		f->tied_bytes = all;
		return add(&f->output_bytes, all, err);
	}
	if (t->use == USE_GATHER)
		return add(&f->input_bytes, all, err);
	return add(&f->output_bytes, all, err);
}

/* A dynamic recipe names no formats: its stand-in's tensors are stretched to the middle of what published files take. */
static void stretch(struct footprint *f, double bits_each)
{
	double text = 0, times;

	for (unsigned u = 0; u < USES; u++)
		text += (double)f->weights[COMP_TEXT][u];
	times = text > 0 ? bits_each / 8 * (double)f->params_text / text : 1;
	for (unsigned u = 0; u < USES; u++)
		f->weights[COMP_TEXT][u] = (uint64_t)((double)f->weights[COMP_TEXT][u] * times);
	for (uint32_t i = 0; i < f->n_layers; i++) {
		f->layer_bytes[i] = (uint64_t)((double)f->layer_bytes[i] * times);
		f->expert_bytes[i] = (uint64_t)((double)f->expert_bytes[i] * times);
	}
	for (unsigned i = 0; i <= 64; i++)
		f->cuttable_bytes[i] = (uint64_t)((double)f->cuttable_bytes[i] * times);
	f->input_bytes = (uint64_t)((double)f->input_bytes * times);
	f->output_bytes = (uint64_t)((double)f->output_bytes * times);
	f->tied_bytes = (uint64_t)((double)f->tied_bytes * times);
}

int footprint_compute(struct footprint *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err)
{
	struct inventory inv = { .model = m, .quants = q, .recipe = set->recipe, .imatrix = set->imatrix, .with_mtp = 1, .with_encoders = 1 };
	struct summing s = { .f = out, .err = err };
	struct counts c;
	int rc;

	*out = (struct footprint){ .model = m, .quants = q, .n_layers = m->n_layers };
	out->layer_bytes = arena_array(a, m->n_layers ? m->n_layers : 1, sizeof *out->layer_bytes);
	out->expert_bytes = arena_array(a, m->n_layers ? m->n_layers : 1, sizeof *out->expert_bytes);
	if (!out->layer_bytes || !out->expert_bytes)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = inventory_walk_kinds(&inv, sum_run, &s, err)) != OK || (rc = inventory_counts(&c, m, q, err)) != OK)
		return rc;
	out->params_total = c.total;
	out->params_text = c.text;
	out->params_mtp = c.mtp;
	out->params_active = c.active;

	if (set->recipe && set->recipe->dynamic)
		stretch(out, (set->recipe->bpw_low + set->recipe->bpw_high) / 2);
	int gguf = set->recipe && set->recipe->packing == PACK_GGUF;
	for (unsigned comp = 0; comp < COMPONENTS; comp++) {
		if (gguf && (comp == COMP_VISION || comp == COMP_AUDIO || (comp == COMP_MTP && !m->gguf_mtp)))
			continue;        /* encoders are a file of their own (mmproj) */
		for (unsigned u = 0; u < USES; u++)
			if ((rc = add(&out->file_bytes, out->weights[comp][u], err)) != OK)
				return rc;
	}
	if (gguf && is_known(m->tokenizer_bytes)) {
		out->file_has_tokenizer = 1;
		return add(&out->file_bytes, (uint64_t)m->tokenizer_bytes.v, err);
	}
	return OK;
}

struct caching { struct cache_bytes *c; const struct model_spec *m; const struct quants *q; const struct settings *set; };

static int sum_state(void *user, const struct state_item *s, struct error *err)
{
	struct caching *u = user;
	uint64_t all, one;
	unsigned layers = layer_count(&s->layers);
	int rc = state_bytes(&all, s, u->set->engine, u->q, u->set, err);

	if (rc != OK)
		return rc;
	if (u64_add(state_is_kv(s) ? &u->c->kv : &u->c->state, state_is_kv(s) ? u->c->kv : u->c->state, all))
		return error_set(err, E_USAGE, "KV cache of %llu tokens overflows 64 bits", (unsigned long long)u->set->ctx_tokens);
	if (state_is_kv(s) && s->cut_pieces > 1 && (!u->c->kv_heads_min || s->cut_pieces < u->c->kv_heads_min))
		u->c->kv_heads_min = s->cut_pieces;
	u->c->kv_cut[s->cut_pieces > 1] += all;
	one = layers ? all / layers : 0;
	for (unsigned i = layer_first(&s->layers); i < u->m->n_layers; i = layer_next(&s->layers, i))
		u->c->layer[i] += one;
	return OK;
}

int cache_compute(struct cache_bytes *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err)
{
	struct caching u = { out, m, q, set };

	*out = (struct cache_bytes){ .layer = arena_array(a, m->n_layers ? m->n_layers : 1, sizeof *out->layer) };
	if (!out->layer)
		return error_set(err, E_NOMEM, "out of memory");
	return state_walk(m, set->with_mtp, sum_state, &u, err);
}

int cache_per_1k(uint64_t *out, const struct model_spec *m, const struct quants *q, const struct engine_profile *ideal, uint16_t kv_k, uint16_t kv_v, struct error *err)
{
	/* longer than any window */
	struct settings set = { .engine = ideal, .sequences = 1, .ctx_tokens = UINT64_C(1) << 32, .kv_k = kv_k, .kv_v = kv_v };
	struct arena a = { 0 };
	struct cache_bytes before, after;
	int rc = cache_compute(&before, m, q, &set, &a, err);

	set.ctx_tokens += 1024;
	if (rc == OK && (rc = cache_compute(&after, m, q, &set, &a, err)) == OK)
		*out = after.kv - before.kv;
	arena_free(&a);
	return rc;
}
