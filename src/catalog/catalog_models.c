/* catalog_models.c - models read in full, or for their shapes, when they are asked for; shapes borrowed from one another */
#include "catalog/catalog_private.h"

#include "base/pool.h"
#include "base/str.h"
#include "catalog/catalog_head.h"

#include <stdlib.h>
#include <string.h>

/* A list of strings or sources, one after the other, in the arena; NULL when there is no memory. */
static void *join(struct arena *a, const void *first, size_t n, const void *second, size_t m, size_t size)
{
	char *p = arena_array(a, n + m + 1, size);

	if (p && n)
		memcpy(p, first, n * size);
	if (p && m)
		memcpy(p + n * size, second, m * size);
	return p;
}

/* same_shapes_as: the other entry's shapes under this entry's name, context, formats and file sizes. */
static int borrow_shapes(struct catalog *c, struct model_entry *e, const struct model_entry *base, struct error *err)
{
	const struct model_spec *own = e->own;
	struct model_spec *m = arena_alloc(&c->a, sizeof *m);

	if (!m)
		return catalog_no_memory(err);
	*m = *base->spec;
	m->id = own->id;
	m->name = own->name;
	m->file = own->file;
	if (own->context_native) {
		if (m->learned_positions && own->context_native != m->context_native)
			return error_at(err, E_CATALOGUE, e->file, 0, "context: %u, but the positions of %s are a table of %u rows",
				own->context_native, base->id, m->context_native);
		m->context_native = own->context_native;
		m->context_max = own->context_max;
	}
	if (own->native_format) {
		m->native_format = own->native_format;
		m->native_keep = own->native_keep;
	}
	/* indices into sources and warnings keep their meaning: the base's come first */
	m->sources = join(&c->a, base->spec->sources, base->spec->n_sources, own->sources, own->n_sources, sizeof *own->sources);
	m->warnings = join(&c->a, base->spec->warnings, base->spec->n_warnings, own->warnings, own->n_warnings, sizeof *own->warnings);
	if (!m->sources || !m->warnings)
		return catalog_no_memory(err);
	m->n_sources = (uint16_t)(base->spec->n_sources + own->n_sources);
	m->n_warnings = (uint16_t)(base->spec->n_warnings + own->n_warnings);
	m->gguf_mtp |= own->gguf_mtp;
	/* a file size is of one repository; a tokenizer is shared by whoever continues training */
	m->native_file_bytes = own->native_file_bytes;
	m->native_file_bytes.source = (uint16_t)(m->native_file_bytes.source + base->spec->n_sources);
	if (is_known(own->tokenizer_bytes)) {
		m->tokenizer_bytes = own->tokenizer_bytes;
		m->tokenizer_bytes.source = (uint16_t)(m->tokenizer_bytes.source + base->spec->n_sources);
	}
	e->spec = m;
	return OK;
}

static int read_model(struct catalog *c, uint32_t i, enum entry_state how, struct error *err);

/* What only the whole catalogue can say of an entry: its recipe, the entry it borrows from, those it points to. */
static int finish_model(struct catalog *c, struct model_entry *e, enum entry_state how, struct error *err)
{
	const struct model_spec *m = e->spec ? e->spec : e->own;
	struct near_matches near;
	unsigned k = 0;
	int64_t base;
	int rc;

	while (m->native_format && k < c->quants.n_recipes && strcmp(c->quants.recipes[k].id, m->native_format))
		k++;
	if (m->native_format && k == c->quants.n_recipes) {
		rc = error_at(err, E_CATALOGUE, e->file, 0, "native_format: no recipe '%.60s' in %s", m->native_format, c->quants.file);
		near_init(&near, m->native_format);
		for (k = 0; k < c->quants.n_recipes; k++)
			near_offer(&near, c->quants.recipes[k].id);
		near_report(&near, err);
		return rc;
	}
	for (const char *const *s = e->instead; *s; s++)
		if (shelf_find_id(&c->models, *s) < 0) {
			rc = error_at(err, E_CATALOGUE, e->file, 0, "instead: no entry '%.60s'", *s);
			shelf_near(&c->models, *s, err);
			return rc;
		}
	if (!e->same_shapes_as)
		return OK;
	if ((base = shelf_find_id(&c->models, e->same_shapes_as)) < 0) {
		rc = error_at(err, E_CATALOGUE, e->file, 0, "same_shapes_as: no entry '%.60s'", e->same_shapes_as);
		shelf_near(&c->models, e->same_shapes_as, err);
		return rc;
	}
	if ((rc = read_model(c, (uint32_t)base, how, err)) != OK)
		return rc;
	if (!c->models.models[base].spec)
		return error_at(err, E_CATALOGUE, e->file, 0, "same_shapes_as: %s has no shapes", e->same_shapes_as);
	return borrow_shapes(c, e, &c->models.models[base], err);
}

/* how: ENTRY_READ or ENTRY_SHAPES */
static int parse_model(struct model_entry *e, const struct catalog *c, uint32_t i, enum entry_state how, struct arena *a, struct error *err)
{
	const struct entry_file *f = &c->models.file[i];
	struct ydoc d;
	int rc, whole = 1;

	if (how == ENTRY_SHAPES && f->shapes) {
		*e = *f->shapes;
		rc = OK;
		whole = 0;
		goto parsed;
	}
	if (how == ENTRY_SHAPES)
		rc = head_parse(&d, &whole, a, f->path, f->bytes, f->n, model_shape_keys, err);
	else
		rc = yaml_parse(&d, a, f->path, f->bytes, f->n, err);
	if (rc != OK || (rc = whole ? model_entry_read(e, a, &d, err) : model_entry_read_shapes(e, a, &d, err)) != OK)
		return rc;
parsed:
	if (strcmp(e->id, c->models.models[i].id))
		return error_at(err, E_CATALOGUE, f->path, 0, "id %s was %s at first sight", e->id, c->models.models[i].id);
	return OK;
}

/* e: as parse_model() left it; NULL: still to be parsed. how: ENTRY_READ, or ENTRY_SHAPES, which is enough where that was read already. */
static int take_model(struct catalog *c, uint32_t i, struct model_entry *parsed, enum entry_state how, struct error *err)
{
	struct entry_file *f = &c->models.file[i];
	struct model_entry e;
	int rc;

	enum entry_state was = f->state;

	if (was == ENTRY_READ || was == how)
		return OK;
	if (was == ENTRY_READING)
		return error_at(err, E_CATALOGUE, f->path, 0, "same_shapes_as leads from %s back to itself", c->models.models[i].id);
	if (parsed)
		e = *parsed;
	else if ((rc = parse_model(&e, c, i, how, &c->a, err)) != OK)
		return rc;
	f->state = ENTRY_READING;
	rc = finish_model(c, &e, how, err);
	f->state = (uint8_t)(rc == OK ? how : was);
	if (rc == OK)
		c->models.models[i] = e;
	return rc;
}

static int read_model(struct catalog *c, uint32_t i, enum entry_state how, struct error *err)
{
	return take_model(c, i, NULL, how, err);
}

/* All entries, dealt to the threads one by one as they come free. */
struct reading { struct catalog *c; enum entry_state how; struct model_entry *e; uint8_t *wanted; _Atomic uint32_t next; struct error err[READERS]; int rc[READERS]; uint32_t bad[READERS]; };

static void read_some(void *user, unsigned thread, unsigned n_threads)
{
	struct reading *r = user;

	(void)n_threads;
	r->bad[thread] = UINT32_MAX;
	for (uint32_t i; (i = r->next++) < r->c->models.n && r->rc[thread] == OK;)
		if (r->wanted[i] && r->c->models.file[i].state < r->how) {
			r->rc[thread] = parse_model(&r->e[i], r->c, i, r->how, &r->c->reader[thread], &r->err[thread]);
			if (r->rc[thread] != OK)
				r->bad[thread] = i;
		}
}

static int read_all(struct catalog *c, struct thread_pool *pool, enum entry_state how, int (*want)(const struct model_entry *head, const void *user), const void *user,
	struct error *err)
{
	unsigned n_threads = pool ? pool_threads(pool) : 1, worst = 0;
	struct reading *r = calloc(1, sizeof *r);
	int rc = OK;

	if (n_threads > READERS)
		n_threads = READERS;
	if (!r || !(r->e = calloc(c->models.n + 1, sizeof *r->e)) || !(r->wanted = calloc(c->models.n + 1, 1))) {
		rc = catalog_no_memory(err);
		goto out;
	}
	r->c = c;
	r->how = how;
	for (uint32_t i = 0; i < c->models.n; i++)
		r->wanted[i] = (uint8_t)(!want || want(&c->models.models[i], user));
	if (pool)
		pool_run(pool, n_threads, read_some, r);
	else
		read_some(r, 0, 1);
	/* the first bad entry in order is named, whichever thread met it */
	for (unsigned t = 1; t < n_threads; t++)
		if (r->bad[t] < r->bad[worst])
			worst = t;
	rc = r->rc[worst];
	if (rc != OK) {
		if (err)
			*err = r->err[worst];
		goto out;
	}
	/* an entry that borrows shapes reads the one it borrows from first, whatever its place */
	for (uint32_t i = 0; i < c->models.n && rc == OK; i++)
		if (r->wanted[i] && r->e[i].id && !r->e[i].same_shapes_as)
			rc = take_model(c, i, &r->e[i], how, err);
	for (uint32_t i = 0; i < c->models.n && rc == OK; i++)
		if (r->wanted[i] && r->e[i].id)
			rc = take_model(c, i, &r->e[i], how, err);
out:
	if (r) {
		free(r->e);
		free(r->wanted);
	}
	free(r);
	return rc;
}

int catalog_read_models(struct catalog *c, struct thread_pool *pool, int (*want)(const struct model_entry *head, const void *user), const void *user, struct error *err)
{
	return read_all(c, pool, ENTRY_READ, want, user, err);
}

int catalog_read_shapes(struct catalog *c, struct thread_pool *pool, int (*want)(const struct model_entry *head, const void *user), const void *user, struct error *err)
{
	return read_all(c, pool, ENTRY_SHAPES, want, user, err);
}

int catalog_model(const struct model_entry **out, struct catalog *c, const char *name, struct error *err)
{
	int rc;
	int64_t i = shelf_find(&rc, &c->models, &c->of_models, name, err);

	*out = NULL;
	if (i >= 0 && (rc = read_model(c, (uint32_t)i, ENTRY_READ, err)) == OK)
		*out = &c->models.models[i];
	return rc;
}

int catalog_model_file(const struct model_entry **out, struct catalog *c, const char *path, struct error *err)
{
	struct model_entry *e = arena_alloc(&c->a, sizeof *e);
	struct ydoc d;
	int rc;

	*out = NULL;
	if (!(path = arena_strdup(&c->a, path)) || !e)
		return catalog_no_memory(err);
	if ((rc = yaml_load(&d, &c->a, path, err)) == OK && (rc = model_entry_read(e, &c->a, &d, err)) == OK &&
	    (rc = finish_model(c, e, ENTRY_READ, err)) == OK)
		*out = e;
	return rc;
}
