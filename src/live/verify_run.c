/* verify_run.c - loads, runs, takes times, and asks the system about memory */
#include "live/verify.h"

#include "base/units.h"
#include "engine/generate.h"
#include "live/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct runner {
	struct verify *v;
	const struct engine_calls *calls;
	struct engine *e;
	struct engine_info info;
	struct error *err;
	int32_t *token, *scratch;        /* room for a prompt; for three arrays of a step */
	uint64_t random;
	unsigned done, all;              /* runs */
};

static int stopped(const struct runner *r) { return r->v->plan.stop && *r->v->plan.stop; }

/* splitmix64 (Steele and others, 2014) */
static int32_t some_token(struct runner *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (int32_t)((z ^ z >> 31) % r->info.vocab);
}

static void progress(struct runner *r, const struct verify_term *t, const char *what)
{
	char test[64], text[96];

	if (!r->v->plan.progress)
		return;
	snprintf(text, sizeof text, "%s%s", t ? verify_test(test, sizeof test, t) : "", what);
	r->v->plan.progress(r->v->plan.user, text, r->done, r->all);
}

/* n random tokens from `from` on. Fewer when it is stopped. */
static int feed(struct runner *r, uint32_t slot, uint64_t from, size_t n, int output)
{
	size_t done;

	for (size_t i = 0; i < n; i++)
		r->token[i] = some_token(r);
	return generate_feed(r->calls, r->e, r->info.ubatch, slot, from, r->token, n, output, r->scratch, r->v->plan.stop, &done, r->err);
}

/* One token of each of n slots, all at the same position. */
static int step(struct runner *r, uint32_t n, uint64_t position)
{
	int32_t *token = r->scratch, *at = token + n, *slot = at + n, *row = slot + n;
	struct step s = { .n_tokens = n, .n_outputs = n, .token = token, .position = at, .slot = slot, .output_row = row };

	for (uint32_t i = 0; i < n; i++) {
		token[i] = some_token(r);
		at[i] = (int32_t)position;
		slot[i] = row[i] = (int32_t)i;
	}
	return r->calls->run(r->e, &s, r->err);
}

static int by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static void settle(struct verify_term *t)
{
	double sorted[VERIFY_RUNS];
	const unsigned n = t->n_samples;

	memcpy(sorted, t->sample, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_value);
	t->min = sorted[0];
	t->max = sorted[n - 1];
	t->measured = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	t->is_measured = 1;
}

static int run_prefill(struct runner *r, struct verify_term *t)
{
	for (uint32_t i = 0; i <= r->v->plan.repeats && !stopped(r); i++, r->done++) {
		progress(r, t, i ? "" : ", warm-up");
		r->calls->clear(r->e, 0);
		double start = r->calls->now();
		int rc = feed(r, 0, 0, t->tokens, 1);
		if (rc != OK)
			return rc;
		if (i && !stopped(r))
			t->sample[t->n_samples++] = t->tokens / (r->calls->now() - start);
	}
	return OK;
}

static int run_decode(struct runner *r, struct verify_term *t)
{
	uint64_t at = 0;
	int rc;

	for (uint32_t i = 0; i <= r->v->plan.repeats && !stopped(r); i++, r->done++) {
		const uint32_t steps = i ? t->tokens : t->tokens < WARM_STEPS ? t->tokens : WARM_STEPS;
		progress(r, t, i ? "" : t->depth ? ", filling" : ", warm-up");
		/* without a depth each run begins anew */
		if (!i || !t->depth) {
			at = t->depth;
			for (uint32_t s = 0; s < t->sequences; s++) {
				r->calls->clear(r->e, s);
				if (t->depth && (rc = feed(r, s, 0, t->depth, 0)) != OK)
					return rc;
			}
		}
		double start = r->calls->now();
		for (uint32_t k = 0; k < steps && !stopped(r); k++, at++)
			if ((rc = step(r, t->sequences, at)) != OK)
				return rc;
		if (i && !stopped(r))
			t->sample[t->n_samples++] = (double)steps * t->sequences / (r->calls->now() - start);
	}
	return OK;
}

/* The terms of one engine: of one sequence, or of several. */
static int run_terms(struct runner *r, int many)
{
	for (unsigned i = 0; i < r->v->n_terms && !stopped(r); i++) {
		struct verify_term *t = &r->v->term[i];
		int rc = OK;
		if (t->kind == VERIFY_PREFILL && !many)
			rc = run_prefill(r, t);
		else if (t->kind == VERIFY_DECODE && (t->sequences > 1) == many)
			rc = run_decode(r, t);
		else
			continue;
		if (rc != OK)
			return rc;
		if (t->n_samples && !stopped(r))
			settle(t);
	}
	return OK;
}

static unsigned touch_range(const void *from, uint64_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned sum = 0;

	for (uint64_t at = 0; at < bytes; at += page)
		sum += ((const volatile unsigned char *)from)[at];
	return sum;
}

/* A cache is estimated for the whole context: pages that no run reaches become resident too, as they are. */
static void touch_caches(const struct engine_info *info)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (uint32_t i = 0; i < info->n_regions; i++)
		for (uint64_t at = 0; at < info->region[i].bytes && (!strcmp(info->region[i].term, "kv_cache") || !strcmp(info->region[i].term, "state")); at += page) {
			volatile unsigned char *p = (volatile unsigned char *)(uintptr_t)info->region[i].at + at;
			*p = *p;
		}
}

/* A table of which a run reads only some rows counts whole in the estimate, so each page of it is looked at once: what is then resident is the system's
 * to say. Not so what was repacked: the engine has let go of it, and touched it would come back. Returns a sum so that nothing is left out. */
static unsigned touch(const struct engine_info *info, const struct weights *w)
{
	static const uint16_t tables[] = { W_EMBED, W_POSITION, W_PLE_EMBED };
	const struct weight *head = info->repacked_bytes ? weights_find(w, W_HEAD, -1) : NULL;
	unsigned sum = 0;

	for (uint32_t i = 0; i < info->n_regions && !info->repacked_bytes; i++)
		if (!strcmp(info->region[i].term, "weights"))
			sum += touch_range(info->region[i].at, info->region[i].bytes);
	for (unsigned i = 0; i < sizeof tables / sizeof *tables && info->repacked_bytes; i++) {
		const struct weight *t = weights_find(w, tables[i], -1);
		uint64_t bytes;
		struct error ignored;
		/* a tied head is packed, and rows are looked up there */
		if (t && !(head && head->data == t->data) && tensor_bytes(&bytes, &w->quants->formats[t->format], t->ne, &ignored) == OK)
			sum += touch_range(t->data, bytes);
	}
	return sum;
}

static void set_bytes(struct verify *v, enum verify_kind kind, int64_t bytes)
{
	for (unsigned i = 0; i < v->n_terms; i++)
		if (v->term[i].kind == kind && bytes >= 0) {
			v->term[i].measured = v->term[i].min = v->term[i].max = (double)bytes;
			v->term[i].is_measured = 1;
		}
}

/* Where the tensors of a mapped file begin: its header and vocabulary lie before. The end of the map: it has none. */
static uint64_t data_from(const struct weights *w, uint32_t map)
{
	const uint64_t from = (uint64_t)(uintptr_t)w->map[map].at, to = from + w->map[map].bytes, page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = to;

	if (w->made)
		return from;
	for (uint32_t i = 0; i < w->n; i++) {
		const uint64_t at = (uint64_t)(uintptr_t)w->t[i].data;
		if (at >= from && at < first)
			first = at / page * page;
	}
	return first;
}

/* Resident bytes of what of the files is no weights. */
static int64_t header_of(const struct smaps *s, const struct weights *w)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < w->n_maps; i++) {
		struct witness_range head = { (uint64_t)(uintptr_t)w->map[i].at, data_from(w, i) };
		int64_t part = head.to > head.from ? witness_resident(s, &head, 1) : 0;
		if (part < 0)
			return -1;
		sum += part;
	}
	return sum;
}

/* The range of a region; of one that holds a whole file the tensors alone. */
static struct witness_range range_of(const struct engine_region *r, const struct weights *w)
{
	struct witness_range out = { (uint64_t)(uintptr_t)r->at, (uint64_t)(uintptr_t)r->at + r->bytes };

	for (uint32_t i = 0; i < w->n_maps; i++)
		if (r->at == w->map[i].at)
			out.from = data_from(w, i);
	return out;
}

static int measure_memory(struct verify *v, const struct weights *w, const struct engine_info *info, struct arena *a, struct error *err)
{
	static const struct { const char *term; enum verify_kind kind; } terms[] = {
		{ "weights", VERIFY_WEIGHTS }, { "kv_cache", VERIFY_KV }, { "state", VERIFY_STATE }, { "compute", VERIFY_COMPUTE },
	};
	struct witness_range range[ENGINE_REGIONS];
	/* the list of mappings is itself memory: all is counted before it is read */
	const int64_t total = witness_total();
	struct smaps maps;
	int rc = witness_maps(&maps, a, err);

	if (rc == E_NODEV) {
		verify_note(v, "memory: %s", err ? err->text : "unknown");
		return OK;
	}
	if (rc != OK)
		return rc;
	for (unsigned t = 0; t < sizeof terms / sizeof *terms; t++) {
		unsigned n = 0;
		for (uint32_t i = 0; i < info->n_regions; i++)
			if (!strcmp(info->region[i].term, terms[t].term))
				range[n++] = range_of(&info->region[i], w);
		set_bytes(v, terms[t].kind, witness_resident(&maps, range, n));
	}
	v->header_bytes = header_of(&maps, w);
	if (total >= 0 && v->before_bytes >= 0)
		set_bytes(v, VERIFY_TOTAL, total - v->before_bytes - (v->header_bytes > 0 ? v->header_bytes : 0));
	return OK;
}

static int open_engine(struct runner *r, struct weights *w, uint64_t ctx, uint32_t slots)
{
	struct engine_options o = r->v->plan.engine;
	int rc;

	o.ctx_tokens = ctx;
	o.slots = o.outputs = slots;
	o.ubatch = r->v->one.settings.ubatch;
	if ((rc = r->calls->open(&r->e, w, &o, r->err)) != OK)
		return rc;
	r->calls->info(&r->info, r->e);
	return r->info.vocab ? OK : error_set(r->err, E_ARCH, "a model without a vocabulary cannot be run");
}

static int get_weights(struct runner *r, const struct verify_source *from, const struct quants *q, struct weights **w)
{
	return from->path ? r->calls->load(w, from->path, q, r->err) : r->calls->dummy(w, from->model, from->recipe, &from->dummy, q, r->err);
}

static int run_all(struct runner *r, const struct verify_source *from, const struct quants *q, struct weights **w, struct arena *a,
	int (*loaded)(void *user, const struct weights *w, struct error *err), void *user)
{
	struct verify *v = r->v;
	double start;
	int rc;

	progress(r, NULL, from->path ? "loading" : "making up weights");
	v->before_bytes = witness_total();
	/* what was measured before this had its own memory */
	(void)witness_peak_forget();
	start = r->calls->now();
	rc = get_weights(r, from, q, w);
	if (rc != OK)
		return rc;
	if (stopped(r)) {
		v->interrupted = 1;
		return OK;
	}
	if ((*w)->note)
		verify_note(v, "%s", (*w)->note);
	if (loaded && (rc = loaded(user, *w, r->err)) != OK)
		return rc;
	/* making weights up is no loading */
	if (!from->path)
		start = r->calls->now();
	if ((rc = open_engine(r, *w, v->ctx_tokens, 1)) != OK)
		return rc;
	if (from->path)
		for (unsigned i = 0; i < v->n_terms; i++)
			if (v->term[i].kind == VERIFY_LOAD) {
				v->term[i].sample[v->term[i].n_samples++] = r->calls->now() - start;
				settle(&v->term[i]);
			}
	v->info = r->info;
	v->layers_of = (*w)->layers_of;
	(void)touch(&r->info, *w);
	touch_caches(&r->info);
	if ((rc = run_terms(r, 0)) != OK || (rc = measure_memory(v, *w, &r->info, a, r->err)) != OK)
		return rc;
	if (v->most && !stopped(r)) {
		r->calls->close(r->e);
		r->e = NULL;
		/* of weights made in memory what was repacked is gone */
		if ((*w)->made && r->info.repacked_bytes) {
			r->calls->unload(*w);
			*w = NULL;
			if ((rc = get_weights(r, from, q, w)) != OK)
				return rc;
		}
		if ((rc = open_engine(r, *w, v->ctx_many, v->most)) != OK || (rc = run_terms(r, 1)) != OK)
			return rc;
	}
	v->peak_bytes = witness_peak();
	v->interrupted = (uint8_t)stopped(r);
	return OK;
}

int verify_run(struct verify *v, const struct verify_source *from, const struct quants *q, struct arena *a,
	int (*loaded)(void *user, const struct weights *w, struct error *err), void *user, struct error *err)
{
	struct runner r = { .v = v, .calls = v->plan.calls, .err = err, .random = v->plan.seed };
	struct weights *w = NULL;
	uint64_t room = v->plan.prompt, step_room = v->one.settings.ubatch > v->most ? v->one.settings.ubatch : v->most;
	int rc;

	for (unsigned i = 0; i < v->n_terms; i++) {
		room = v->term[i].depth > room ? v->term[i].depth : room;
		r.all += v->term[i].kind == VERIFY_PREFILL || v->term[i].kind == VERIFY_DECODE ? v->plan.repeats + 1 : 0;
	}
	r.token = arena_array(a, room, sizeof *r.token);
	r.scratch = arena_array(a, step_room * 4 + 4, sizeof *r.scratch);
	if (!r.token || !r.scratch)
		return error_set(err, E_NOMEM, "out of memory");
	rc = run_all(&r, from, q, &w, a, loaded, user);
	r.calls->close(r.e);
	r.calls->unload(w);
	for (unsigned i = 0; i < v->n_terms; i++)
		verify_judge(&v->term[i]);
	return rc;
}
