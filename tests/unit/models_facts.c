/* models_facts.c - every entry of models.d against its own checks: counts from the inventory, cache and state from the states */
#include "../tap.h"

#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/model_yaml.h"

#include <dirent.h>

enum { MAX_ENTRIES = 2000 };
static const char folder[] = "models.d";

/* Bytes at two a value, and elements of what does not grow. A row a ratio counts as its share of a token. */
struct sums { uint64_t token, window, chunk, recurrent, conv, ratio_rest; };

static int add_state(void *user, const struct state_item *s, struct error *err)
{
	struct sums *x = user;
	uint64_t n = (uint64_t)s->row * s->rows * layer_count(&s->layers);

	/* The checks count what the architecture defines: not V rows that an engine adds to index keys, nor rows still being made. */
	if (s->type_rule == TYPE_INDEX_V || s->role == STATE_COMPRESSOR)
		return OK;
	switch ((enum growth)s->growth) {
	case GROW_TOKEN: x->token += 2 * n; return OK;
	case GROW_WINDOW: x->window += 2 * n * s->span; return OK;
	case GROW_CHUNK: x->chunk += 2 * n * s->span; return OK;
	case GROW_RATIO: x->token += 2 * n / s->span; x->ratio_rest += 2 * n % s->span; return OK;
	case GROW_FIXED:
		if (s->role != STATE_CONV && s->role != STATE_RECURRENT)
			return error_set(err, E_CATALOGUE, "fixed state of role %u", s->role);
		*(s->role == STATE_CONV ? &x->conv : &x->recurrent) += n;
		return OK;
	}
	return error_set(err, E_CATALOGUE, "growth %u", s->growth);
}

static void check_counts(const struct model_entry *e, const struct quants *q)
{
	struct error err = { 0 };
	struct counts c;

	if (!ok(inventory_counts(&c, e->spec, q, &err) == OK, "%s: counted", e->id)) {
		printf("# %s\n", err.text);
		return;
	}
	is_u64(c.total, e->checks.params_total, "%s: params_total", e->id);
	is_u64(c.mtp, e->checks.params_mtp, "%s: params_mtp", e->id);
	is_u64(c.active, e->checks.params_active, "%s: params_active", e->id);
}

struct bytes { const struct quants *q; uint64_t n; };

static int add_bytes(void *user, const struct tensor *t, struct error *err)
{
	struct bytes *b = user;
	uint64_t n;
	int rc = tensor_run_bytes(&n, t, b->q, err);

	b->n += rc == OK ? n : 0;
	return rc;
}

/* The released weights, tensor by tensor in their own format, against the published bytes of the repository: these hold headers,
 * and in some a few scales or buffers that no tensor list names. */
static void check_native_bytes(const struct model_entry *e, const struct recipe *r, const struct quants *q)
{
	struct bytes b = { q, 0 };
	struct inventory inv = { .model = e->spec, .quants = q, .recipe = r, .with_mtp = 1, .with_encoders = 1 };
	double want = (double)e->checks.native_file_bytes, off;
	struct error err = { 0 };

	if (!e->checks.native_file_bytes)
		return;
	if (!ok(inventory_walk(&inv, add_bytes, &b, &err) == OK, "%s: released weights counted", e->id)) {
		printf("# %s\n", err.text);
		return;
	}
	off = (double)b.n / want - 1;
	ok(off > -0.0002 && off <= 0, "%s: native_file_bytes %.0f, tensors %llu (%+.4f %%)", e->id, want, (unsigned long long)b.n,
	   100 * off);
	ok(e->spec->native_file_bytes.basis != BASIS_UNKNOWN && e->spec->native_file_bytes.v == want, "%s: stated twice alike", e->id);
}

static void check_states(const struct model_entry *e)
{
	struct error err = { 0 };
	struct sums s = { 0 };

	if (!ok(state_walk(e->spec, 0, add_state, &s, &err) == OK, "%s: states walked", e->id)) {
		printf("# %s\n", err.text);
		return;
	}
	is_u64(s.token, e->checks.kv_bytes_per_token_f16, "%s: kv_bytes_per_token_f16", e->id);
	is_u64(s.window, e->checks.kv_window_bytes_f16, "%s: kv_window_bytes_f16", e->id);
	is_u64(s.chunk, e->checks.kv_chunk_bytes_f16, "%s: kv_chunk_bytes_f16", e->id);
	is_u64(s.recurrent, e->checks.state_elements_recurrent, "%s: state_elements_recurrent", e->id);
	is_u64(s.conv, e->checks.state_elements_conv, "%s: state_elements_conv", e->id);
	is_u64(s.ratio_rest, 0, "%s: compressed rows are whole bytes a token", e->id);
}

/* Entries that only measurements name, where no source for these was found. */
static unsigned not_stated, no_context;

/* What an entry must say beside its shapes. */
static void check_entry(const struct model_entry *e, const struct quants *q)
{
	const struct model_spec *m = e->spec;
	const struct recipe *r;
	struct error err = { 0 };

	ok(e->vendor != NULL, "%s: the maker is stated", e->id);
	not_stated += !e->country || !e->licence || !e->released;
	ok(m->n_sources > 0, "%s: has sources", e->id);
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].source >= m->n_sources)
			ok(0, "%s: part %s has no source", e->id, m->parts[i].name);
	if (ok(recipe_find(&r, q, m->native_format, NULL, &err) == OK, "%s: native format %s is a recipe", e->id, m->native_format))
		check_native_bytes(e, r, q);
	no_context += !m->context_native;
}

static int read_one(struct model_entry *e, struct arena *a, const char *name)
{
	struct error err = { 0 };
	struct ydoc *d = arena_alloc(a, sizeof *d);
	char *path = arena_printf(a, "%s/%s", folder, name), *id = arena_strndup(a, name, strlen(name) - 5);

	if (!ok(d && path && yaml_load(d, a, path, &err) == OK && model_entry_read(e, a, d, &err) == OK, "%s: loads", name)) {
		printf("# %s\n", err.text);
		return -1;
	}
	is_str(e->id, id, "%s: the id is the file's name", name);
	return 0;
}

static const struct model_entry *by_id(const struct model_entry *e, unsigned n, const char *id)
{
	for (unsigned i = 0; i < n; i++)
		if (e[i].id && !strcmp(e[i].id, id))
			return &e[i];
	return NULL;
}

/* Shapes of another entry, and models to take instead, exist and have shapes of their own. */
static void check_references(const struct model_entry *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct model_entry *o;

		if (!e[i].id)
			continue;
		if (e[i].same_shapes_as) {
			o = by_id(e, n, e[i].same_shapes_as);
			ok(o && o->spec, "%s: same_shapes_as %s has shapes", e[i].id, e[i].same_shapes_as);
		}
		for (unsigned k = 0; e[i].instead[k]; k++) {
			o = by_id(e, n, e[i].instead[k]);
			ok(o && (o->spec || o->same_shapes_as || o->status == STATUS_OPEN_WEIGHTS), "%s: instead %s can be had", e[i].id, e[i].instead[k]);
		}
	}
}

/* How names are compared: lower case, runs of blank _ - / : . are one '-'. */
static char *folded(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s), *p = out;

	for (; *s; s++) {
		if (strchr(" _-/:.", *s)) {
			if (p > out && p[-1] != '-')
				*p++ = '-';
		} else {
			*p++ = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		}
	}
	while (p > out && p[-1] == '-')
		p--;
	*p = '\0';
	return out;
}

struct named { const char *fold, *id; };

static int by_fold(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = strcmp(x->fold, y->fold);

	return c ? c : strcmp(x->id, y->id);
}

/* Ids, names and aliases, folded, belong to one entry each. */
static void check_names(const struct model_entry *e, unsigned n, struct arena *a)
{
	unsigned names = 0, clashes = 0, max = 0;
	struct named *list;

	for (unsigned i = 0; i < n; i++) {
		max += 2;
		for (unsigned k = 0; e[i].id && e[i].aliases[k]; k++)
			max++;
	}
	list = arena_array(a, max, sizeof *list);
	for (unsigned i = 0; list && i < n; i++) {
		if (!e[i].id)
			continue;
		list[names++] = (struct named){ folded(a, e[i].id), e[i].id };
		list[names++] = (struct named){ folded(a, e[i].name), e[i].id };
		for (unsigned k = 0; e[i].aliases[k]; k++)
			list[names++] = (struct named){ folded(a, e[i].aliases[k]), e[i].id };
	}
	if (names)
		qsort(list, names, sizeof *list, by_fold);
	for (unsigned i = 1; i < names; i++)
		if (!strcmp(list[i - 1].fold, list[i].fold) && strcmp(list[i - 1].id, list[i].id)) {
			printf("# '%s' is %s and %s\n", list[i].fold, list[i - 1].id, list[i].id);
			clashes++;
		}
	is_u64(clashes, 0, "%u names belong to one entry each", names);
}

/* Every part type, span and structure has an entry that the counts above were held against. */
static void check_coverage(const struct model_entry *e, unsigned n)
{
	unsigned parts = 0, spans = 0, with_shapes = 0, open = 0;
	int reuse = 0, index = 0, mtp = 0, audio = 0, nothing = 0, streams = 0, residual = 0, ple = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct model_spec *m = e[i].spec;

		open += e[i].id && e[i].status == STATUS_OPEN_WEIGHTS;
		if (!m)
			continue;
		with_shapes++;
		for (unsigned k = 0; k < m->n_parts; k++) {
			const struct part *p = &m->parts[k];

			parts |= 1u << p->type;
			if (p->type == PART_GQA) {
				spans |= 1u << p->u.gqa.span;
				reuse |= p->u.gqa.own == REUSE_LAST;
				index |= p->u.gqa.index.q_heads != 0;
			}
		}
		for (unsigned k = 0; k < m->n_kinds; k++)
			nothing |= m->kinds[k].n_branches == 0;
		for (unsigned k = 0; k < m->n_encoders; k++)
			audio |= m->encoders[k].component == COMP_AUDIO;
		mtp |= m->mtp.layers > 0;
		streams |= m->residual_streams > 1;
		residual |= m->residual_block > 0;
		ple |= m->per_layer_embed > 0;
	}
	is_u64(parts, (1u << PART_TYPES) - 1, "every part type has an entry");
	is_u64(spans, 7, "every span has an entry");
	ok(reuse && index && mtp && audio, "reused states, sparse indexers, MTP blocks and audio encoders have entries");
	ok(nothing && streams && residual && ple,
	   "empty layers, hyper-connections, attention residuals and per-layer embeddings have entries");
	ok(with_shapes >= 200 && open >= 200, "%u entries with shapes, %u open weights", with_shapes, open);
}

int main(void)
{
	static struct model_entry e[MAX_ENTRIES];
	struct arena a = { 0 };
	struct error err = { 0 };
	struct quants q;
	struct dirent *f;
	unsigned n = 0;
	DIR *d = opendir(folder);

	if (!ok(d != NULL, "%s can be read", folder))
		return done_testing();
	if (!ok(quants_load(&q, &a, "data/quants.yaml", &err) == OK, "data/quants.yaml loads")) {
		printf("# %s\n", err.text);
		closedir(d);
		arena_free(&a);
		return done_testing();
	}
	while ((f = readdir(d)) != NULL && n < MAX_ENTRIES) {
		size_t len = strlen(f->d_name);

		if (len < 6 || f->d_name[0] == '.' || strcmp(f->d_name + len - 5, ".yaml"))
			continue;
		if (read_one(&e[n], &a, f->d_name) == 0 && e[n].spec) {
			check_entry(&e[n], &q);
			check_counts(&e[n], &q);
			check_states(&e[n]);
		}
		n++;
	}
	closedir(d);
	check_references(e, n);
	check_names(e, n, &a);
	check_coverage(e, n);
	ok(not_stated <= 20 && no_context <= 3, "maker's country, licence or date open in %u entries of 20, context in %u of 3", not_stated, no_context);
	arena_free(&a);
	return done_testing();
}
