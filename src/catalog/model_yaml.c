/* model_yaml.c - models.d/NAME.yaml: who made the model, where it is, and what the other readers fill in */
#include "catalog/model_read.h"

#include "base/str.h"
#include "catalog/roles.h"

#include <math.h>
#include <string.h>

static const char *const modality_names[] = { "text", "image", "video", "audio", NULL };
static const char *const repo_names[] = { "weights", "gguf", "mlx", NULL };
static const char *const engine_names[] = {
	"llama.cpp", "ollama", "vllm", "sglang", "tensorrt-llm", "tgi", "mlx", "ullage", NULL
};

static const char *const top_keys[] = {
	"schema", "id", "name", "family", "vendor", "status", "released", "licence", "modalities", "languages", "languages_source",
	"use_cases", "scores", "aliases", "repos", "engines", "sources", "source", "context", "native_format", "native_keep", "native_file_bytes", "tokenizer_bytes", "norms",
	"model", "rope", "parts", "kinds", "layers", "mtp", "encoders", "checks", "warnings", "gguf", "same_shapes_as", "instead", "why",
	"notes", NULL
};

const char *const model_shape_keys[] = {
	"schema", "id", "name", "family", "vendor", "status", "released", "licence", "aliases", "repos", "modalities", "use_cases", "context",
	"native_format", "native_keep", "native_file_bytes", "tokenizer_bytes", "norms", "model", "rope", "parts", "kinds", "layers", "mtp", "encoders", "warnings",
	"gguf", "same_shapes_as", "why", NULL
};

static unsigned count(const char *const *names)
{
	unsigned n = 0;

	while (names[n])
		n++;
	return n;
}

static int start(struct model_read *r, struct model_entry *e, struct arena *a, const struct ydoc *d, struct error *err)
{
	*r = (struct model_read){ .d = d, .a = a, .err = err, .e = e, .inherited = NO_SOURCE, .norms = NORM_PRE };
	*e = (struct model_entry){ .file = d->file };
	r->rc = yaml_want(d, d->root, YAML_MAP, err);
	e->aliases = e->modalities = e->use_cases = e->instead = e->notes = e->languages = mr_list(r, NULL, "");
	e->languages_source = e->engines_source = NO_SOURCE;
	r->m = mr_alloc(r, 1, sizeof *r->m);
	return r->rc;
}

/* A map of words, its keys out of a closed list: repos: and engines:. Both arrays of model_entry have this element. What has been read
 * of the map already (its `source:`) is passed over. */
#define READ_PAIRS(r, root, map, list, n_list, names) do { \
	struct ynode *s_ = mr_map(r, root, map); \
	for (struct ynode *c_ = s_ ? s_->child : NULL; c_ && (r)->rc == OK; c_ = c_->next) { \
		if (c_->used) \
			continue; \
		if (c_->kind != YAML_SCALAR) \
			mr_fail(r, c_, map ": %s: want one word", c_->key); \
		else if ((n_list) == sizeof (list) / sizeof (list)[0]) \
			mr_fail(r, c_, map ": more than %u entries", (unsigned)(n_list)); \
		else if (mr_find(r, c_, c_->key, names, count(names), map ": unknown key") >= 0) { \
			c_->used = 1; \
			(list)[(n_list)].key = c_->key; \
			(list)[(n_list)++].value = c_->text; \
		} \
	} \
} while (0)

static void read_head(struct model_read *r, struct ynode *root)
{
	struct model_entry *e = r->e;

	mr_str(r, &e->id, root, "id", YAML_NEED);
	mr_id(r, yaml_get(root, "id"), "id", e->id);
	mr_str(r, &e->name, root, "name", YAML_NEED);
	mr_str(r, &e->family, root, "family", YAML_OPTIONAL);
	mr_enum(r, &e->status, root, "status", status_names, YAML_NEED);
	mr_str(r, &e->licence, root, "licence", YAML_OPTIONAL);
	mr_date(r, &e->released, root, "released", YAML_OPTIONAL);
	e->aliases = mr_list(r, root, "aliases");
	READ_PAIRS(r, root, "repos", e->repos, e->n_repos, repo_names);
}

int model_entry_head(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct model_read r;

	if (start(&r, out, a, d, err) != OK)
		return r.rc;
	read_head(&r, d->root);
	return r.rc;
}

static void read_vendor(struct model_read *r, struct ynode *root)
{
	struct ynode *n = mr_map(r, root, "vendor");
	unsigned mark;

	if (!n)
		return;
	mark = mr_open(r, n);
	mr_str(r, &r->e->vendor, n, "name", YAML_NEED);
	mr_str(r, &r->e->country, n, "country", YAML_OPTIONAL);
	mr_close(r, n, mark);
}

static void check_words(struct model_read *r, struct ynode *root, const char *key, const char *const *words,
	const char *const *names, const char *what)
{
	for (; r->rc == OK && *words; words++)
		(void)mr_find(r, yaml_get(root, key), *words, names, count(names), what);
}

/* The source that a list of the top level names beside it. */
static uint16_t source_of(struct model_read *r, struct ynode *root, const char *key)
{
	const char *name = NULL;
	uint16_t i;

	mr_str(r, &name, root, key, YAML_OPTIONAL);
	for (i = 0; r->rc == OK && name && i < r->n_sources; i++)
		if (!strcmp(r->sources[i].key, name))
			return i;
	if (name)
		mr_fail(r, yaml_get(root, key), "%s: no source '%s'", key, name);
	return NO_SOURCE;
}

/* "en", "zh-Hans", "pt-BR", "multilingual": letters, digits and '-'. */
static void read_languages(struct model_read *r, struct ynode *root)
{
	const char *const *w;

	w = r->e->languages = mr_list(r, root, "languages");
	for (; r->rc == OK && *w; w++)
		if (strlen(*w) > 24 || (*w)[strspn(*w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")])
			mr_fail(r, yaml_get(root, "languages"), "languages: '%.40s' is no language code", *w);
	r->e->languages_source = source_of(r, root, "languages_source");
	if (r->e->languages_source == NO_SOURCE && r->e->languages[0])
		r->e->languages_source = r->inherited;
}

static void read_scores(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_seq(r, root, "scores");
	struct benchmark_score *list;

	if (s && s->n > MAX_LIST)
		mr_fail(r, s, "scores: %u entries, at most %d", s->n, (int)MAX_LIST);
	if (!s || !(list = mr_alloc(r, s->n, sizeof *list)))
		return;
	r->e->scores = list;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		struct benchmark_score *x = &list[r->e->n_scores++];
		unsigned mark = mr_open(r, c);
		*x = (struct benchmark_score){ .value = NAN };
		c->used = 1;
		mr_str(r, &x->benchmark, c, "benchmark", YAML_NEED);
		mr_f64_or_unknown(r, &x->value, c, "value");
		mr_str(r, &x->note, c, "note", YAML_OPTIONAL);
		x->source = mr_source(r, c);
		if (r->rc == OK && !isfinite(x->value))
			mr_fail(r, c, "scores: %s: value is missing", x->benchmark);
		mr_close(r, c, mark);
	}
}

/* What the published claims about the model rest on; after the sources are read. */
static void read_published(struct model_read *r, struct ynode *root)
{
	struct model_entry *e = r->e;
	struct ynode *n = mr_map(r, root, "engines");

	if (n)
		e->engines_source = yaml_get(n, "source") ? source_of(r, n, "source") : r->inherited;
	READ_PAIRS(r, root, "engines", e->engines, e->n_engines, engine_names);
	read_languages(r, root);
	read_scores(r, root);
}

static void read_people(struct model_read *r, struct ynode *root)
{
	struct model_entry *e = r->e;

	mr_schema(r, root);
	read_head(r, root);
	read_vendor(r, root);
	e->modalities = mr_list(r, root, "modalities");
	check_words(r, root, "modalities", e->modalities, modality_names, "modalities: unknown word");
	e->use_cases = mr_list(r, root, "use_cases");
	e->instead = mr_list(r, root, "instead");
	e->notes = mr_list(r, root, "notes");
	mr_str(r, &e->why, root, "why", YAML_OPTIONAL);
	mr_str(r, &e->same_shapes_as, root, "same_shapes_as", YAML_OPTIONAL);
	mr_id(r, yaml_get(root, "same_shapes_as"), "same_shapes_as", e->same_shapes_as);
}

static void read_context(struct model_read *r, struct ynode *root)
{
	struct ynode *n = mr_map(r, root, "context");
	unsigned mark;

	if (!n)
		return;
	mark = mr_open(r, n);
	(void)mr_source(r, n);
	mr_u32_or_unknown(r, &r->m->context_native, n, "native");
	mr_u32_or_unknown(r, &r->m->context_max, n, "max");
	mr_str(r, &r->e->how, n, "how", YAML_OPTIONAL);
	mr_close(r, n, mark);
	if (!r->m->context_max)
		r->m->context_max = r->m->context_native;
	if (r->m->context_max < r->m->context_native)
		mr_fail(r, n, "context: max (%u) is below native (%u)", r->m->context_max, r->m->context_native);
}

/* What describes the weights as released, and what people should be told. */
static void read_release(struct model_read *r, struct ynode *root)
{
	struct model_spec *m = r->m;
	struct ynode *n;
	const char *const *warnings;
	unsigned mark;

	mr_str(r, &m->native_format, root, "native_format", YAML_OPTIONAL);
	if ((n = mr_get(r, root, "native_keep")) != NULL) {
		m->native_keep = mr_list(r, root, "native_keep");
		check_words(r, root, "native_keep", m->native_keep, role_names, "native_keep: no such role");
	}
	mr_known(r, &m->native_file_bytes, root, "native_file_bytes");
	mr_known(r, &m->tokenizer_bytes, root, "tokenizer_bytes");
	if ((n = mr_map(r, root, "gguf")) != NULL) {
		mark = mr_open(r, n);
		mr_bool(r, &m->gguf_mtp, n, "mtp");
		mr_close(r, n, mark);
	}
	warnings = mr_list(r, root, "warnings");
	for (unsigned i = 0; r->rc == OK && warnings[i]; i++) {
		if (m->n_warnings == MAX_WARNINGS)
			mr_fail(r, yaml_get(root, "warnings"), "more than %d warnings", (int)MAX_WARNINGS);
		else
			r->warnings[m->n_warnings++] = warnings[i];
	}
}

static void read_checks(struct model_read *r, struct ynode *root)
{
	struct ynode *n = mr_map(r, root, "checks");
	struct model_entry *e = r->e;
	const struct { const char *key; uint64_t *out; } keys[] = {
		{ "params_total", &e->checks.params_total }, { "params_mtp", &e->checks.params_mtp },
		{ "params_active", &e->checks.params_active }, { "kv_bytes_per_token_f16", &e->checks.kv_bytes_per_token_f16 },
		{ "kv_window_bytes_f16", &e->checks.kv_window_bytes_f16 }, { "kv_chunk_bytes_f16", &e->checks.kv_chunk_bytes_f16 },
		{ "state_elements_recurrent", &e->checks.state_elements_recurrent },
		{ "state_elements_conv", &e->checks.state_elements_conv }, { "native_file_bytes", &e->checks.native_file_bytes },
	};
	const char *source = NULL;
	unsigned mark;

	if (!n)
		return;
	mark = mr_open(r, n);
	e->checks_line = n->line;
	for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++)
		mr_u64(r, keys[i].out, n, keys[i].key, 0, YAML_OPTIONAL);
	mr_str(r, &source, n, "source", YAML_OPTIONAL);
	if (source)
		(void)mr_source(r, n);
	mr_close(r, n, mark);
}

static const char *const shape_keys[] = { "model", "rope", "parts", "kinds", "layers", "mtp", "encoders", "norms", NULL };

static struct ynode *first_shape(struct ynode *root)
{
	for (unsigned i = 0; shape_keys[i]; i++)
		for (struct ynode *c = root->child; c; c = c->next)
			if (!strcmp(c->key, shape_keys[i]))
				return c;
	return NULL;
}

static void read_shapes(struct model_read *r, struct ynode *root)
{
	struct ynode *layers;

	mr_enum(r, &r->norms, root, "norms", norm_at_names, YAML_OPTIONAL);
	mr_model(r, root);
	mr_ropes(r, root);
	mr_parts(r, root);
	mr_kinds(r, root);
	mr_layers(r, root);
	mr_mtp(r, root);
	mr_encoders(r, root);
	if (r->rc == OK && !r->m->native_format)
		mr_fail(r, root, "native_format is missing: the recipe of the released weights");
	if (r->rc == OK) {
		layers = yaml_get(root, "layers");
		r->rc = model_check(r->m, E_CATALOGUE, r->d->file, layers->line, r->err);
	}
}

/* Which of the three an entry is: shapes of its own, another's, or none and why. */
static void check_whole(struct model_read *r, struct ynode *root, const struct ynode *shape)
{
	struct model_entry *e = r->e;

	if (shape && e->same_shapes_as)
		mr_fail(r, shape, "%s beside same_shapes_as: one or the other", shape->key);
	if (e->same_shapes_as && e->id && !strcmp(e->same_shapes_as, e->id))
		mr_fail(r, yaml_get(root, "same_shapes_as"), "same_shapes_as: %s names itself", e->id);
	if (shape && e->status == STATUS_DOES_NOT_EXIST)
		mr_fail(r, shape, "%s of a model that does not exist", shape->key);
	if (e->status == STATUS_DOES_NOT_EXIST && !e->why)
		mr_fail(r, root, "why is missing: what is known about a model that does not exist");
	if (e->status == STATUS_OPEN_WEIGHTS && !shape && !e->same_shapes_as && !e->why)
		mr_fail(r, root, "open weights without shapes: give parts, kinds and layers, or same_shapes_as, or why there are none");
}

static int read_entry(struct model_entry *out, struct arena *a, const struct ydoc *d, int shapes_only, struct error *err)
{
	struct ynode *root = d->root, *shape;
	struct model_read r;
	const char **w;

	if (start(&r, out, a, d, err) != OK)
		return r.rc;
	r.without_sources = (uint8_t)(shapes_only && !yaml_get(root, "sources"));
	/* before anything is missed because it is misspelt */
	for (struct ynode *c = root->child; c && r.rc == OK; c = c->next)
		(void)mr_find(&r, c, c->key, top_keys, count(top_keys), "unknown key");
	read_people(&r, root);
	mr_sources(&r, root);
	r.m->sources = r.sources;
	r.m->n_sources = r.n_sources;
	read_published(&r, root);
	read_context(&r, root);
	read_release(&r, root);
	shape = first_shape(root);
	check_whole(&r, root, shape);
	r.m->id = out->id;
	r.m->name = out->name;
	r.m->file = d->file;
	if (shape)
		read_shapes(&r, root);
	read_checks(&r, root);
	mr_close(&r, root, 0);
	if ((w = mr_alloc(&r, r.m->n_warnings, sizeof *w)) != NULL) {
		memcpy(w, r.warnings, r.m->n_warnings * sizeof *w);
		r.m->warnings = w;
	}
	if (r.rc != OK)
		return r.rc;
	if (shape)
		out->spec = r.m;
	else
		out->own = r.m;
	return OK;
}

int model_entry_read(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	return read_entry(out, a, d, 0, err);
}

int model_entry_read_shapes(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	return read_entry(out, a, d, 1, err);
}
