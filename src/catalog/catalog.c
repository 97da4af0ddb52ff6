/* catalog.c - the folders opened, and entries read in full when they are asked for */
#include "catalog/catalog.h"

#include "base/pool.h"
#include "base/str.h"
#include "catalog/catalog_folder.h"
#include "catalog/catalog_head.h"
#include "catalog/catalog_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS = 16 };
struct catalog {
	struct arena a, of_hardware, reader[READERS];   /* the others are written by threads of their own */
	const char *folder;
	struct quants quants;
	struct engines engines;
	struct shelf models, hardware;
	struct problems of_models, of_machines;
	struct error *problems;          /* of both */
	unsigned n_problems;
};

static int no_memory(struct error *err) { return error_set(err, E_NOMEM, "out of memory"); }

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	arena_free(&c->a);
	arena_free(&c->of_hardware);
	for (unsigned i = 0; i < READERS; i++)
		arena_free(&c->reader[i]);
	free(c);
}

static int load_data(struct catalog *c, struct error *err)
{
	const char *quants = arena_printf(&c->a, "%s/data/quants.yaml", c->folder);
	const char *engines = arena_printf(&c->a, "%s/data/engines.yaml", c->folder);
	int rc;

	if (!quants || !engines)
		return no_memory(err);
	if ((rc = quants_load(&c->quants, &c->a, quants, err)) != OK)
		return rc;
	return engines_load(&c->engines, &c->a, engines, &c->quants, err);
}

/* Files are dealt out some at a time: the data first, which takes longest, then models and machines. Then each shelf is put in order. */
enum { DATA, MODELS, MACHINES, OPENED, AT_A_TIME = 16 };
struct opening {
	struct catalog *c;
	const char *user;
	struct loader shelf[OPENED];     /* of MODELS and MACHINES */
	_Atomic uint32_t next;
	int rc[OPENED];
	struct error err[OPENED];
	struct thread_pool *pool;        /* NULL: none */
};

static uint32_t share(const struct loader *l) { return (l->n + AT_A_TIME - 1) / AT_A_TIME; }

static void open_some(void *user, unsigned thread, unsigned n_threads)
{
	struct opening *o = user;
	struct catalog *c = o->c;
	const uint32_t of_models = share(&o->shelf[MODELS]), of_machines = share(&o->shelf[MACHINES]);

	for (uint32_t i; (i = o->next++) < 1 + of_models + of_machines;) {
		uint32_t from = i ? (i - 1 - (i - 1 < of_models ? 0 : of_models)) * AT_A_TIME : 0;
		if (i == 0)
			o->rc[DATA] = load_data(c, &o->err[DATA]);
		else
			shelf_read(&o->shelf[i - 1 < of_models ? MODELS : MACHINES], from, from + AT_A_TIME, &c->reader[thread]);
	}
	if (n_threads > 1)
		pool_barrier(o->pool);
	if (thread == 0)
		o->rc[MODELS] = shelf_end(&o->shelf[MODELS], o->rc[MODELS]);
	if (thread == 1 || n_threads == 1)
		o->rc[MACHINES] = shelf_end(&o->shelf[MACHINES], o->rc[MACHINES]);
}

static int list_problems(struct catalog *c, struct error *err)
{
	c->n_problems = c->of_models.n + c->of_machines.n;
	if (!(c->problems = arena_array(&c->a, c->n_problems + 1, sizeof *c->problems)))
		return no_memory(err);
	if (c->of_models.n)
		memcpy(c->problems, c->of_models.errors, c->of_models.n * sizeof *c->problems);
	if (c->of_machines.n)
		memcpy(c->problems + c->of_models.n, c->of_machines.errors, c->of_machines.n * sizeof *c->problems);
	return OK;
}

static int open_catalog(struct catalog **out, const char *program, struct thread_pool *pool, int with_shapes, struct error *err)
{
	struct catalog *c = calloc(1, sizeof *c);
	struct opening *o = calloc(1, sizeof *o);
	int rc;

	*out = NULL;
	if (!c || !o) {
		free(c);
		free(o);
		return no_memory(err);
	}
	o->c = c;
	o->pool = pool;
	if ((rc = folder_of_program(&c->folder, &c->a, program, err)) == OK && (rc = folder_of_user(&o->user, &c->a, err)) == OK) {
		unsigned n = pool ? pool_threads(pool) : 1;
		o->rc[MODELS] = shelf_begin(&o->shelf[MODELS], &c->models, &c->of_models, &c->a, SHELF_MODELS, with_shapes, c->folder, o->user, &o->err[MODELS]);
		o->rc[MACHINES] = shelf_begin(&o->shelf[MACHINES], &c->hardware, &c->of_machines, &c->of_hardware, SHELF_HARDWARE, 0, c->folder, o->user, &o->err[MACHINES]);
		if (n > 1)
			pool_run(pool, n < READERS ? n : READERS, open_some, o);
		else
			open_some(o, 0, 1);
		for (unsigned i = 0; i < OPENED && rc == OK; i++) {
			rc = o->rc[i];
			if (rc != OK && err)
				*err = o->err[i];
		}
		if (rc == OK)
			rc = list_problems(c, err);
	}
	free(o);
	if (rc == OK)
		*out = c;
	else
		catalog_close(c);
	return rc;
}

int catalog_open_with(struct catalog **out, const char *program, struct thread_pool *pool, struct error *err)
{
	return open_catalog(out, program, pool, 0, err);
}

int catalog_open_for_shapes(struct catalog **out, const char *program, struct thread_pool *pool, struct error *err)
{
	return open_catalog(out, program, pool, 1, err);
}

int catalog_open(struct catalog **out, const char *program, struct error *err)
{
	return open_catalog(out, program, NULL, 0, err);
}

const struct quants *catalog_quants(const struct catalog *c) { return &c->quants; }
const struct engines *catalog_engines(const struct catalog *c) { return &c->engines; }
const char *catalog_folder(const struct catalog *c) { return c->folder; }

const struct error *catalog_problems(const struct catalog *c, unsigned *n)
{
	*n = c->n_problems;
	return c->problems;
}

const struct model_entry *catalog_models(const struct catalog *c, unsigned *n)
{
	*n = c->models.n;
	return c->models.models;
}

const struct hardware_entry *catalog_hardware(const struct catalog *c, unsigned *n)
{
	*n = c->hardware.n;
	return c->hardware.hardware;
}

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
		return no_memory(err);
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
		return no_memory(err);
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
		rc = no_memory(err);
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
		return no_memory(err);
	if ((rc = yaml_load(&d, &c->a, path, err)) == OK && (rc = model_entry_read(e, &c->a, &d, err)) == OK &&
	    (rc = finish_model(c, e, ENTRY_READ, err)) == OK)
		*out = e;
	return rc;
}

static int read_device(struct catalog *c, uint32_t i, struct error *err)
{
	struct entry_file *f = &c->hardware.file[i];
	struct hardware_entry e;
	struct ydoc d;
	int rc;

	if (f->state == ENTRY_READ)
		return OK;
	if ((rc = yaml_parse(&d, &c->a, f->path, f->bytes, f->n, err)) != OK || (rc = hardware_entry_read(&e, &c->a, &d, err)) != OK)
		return rc;
	if (strcmp(e.id, c->hardware.hardware[i].id))
		return error_at(err, E_CATALOGUE, f->path, 0, "id %s was %s at first sight", e.id, c->hardware.hardware[i].id);
	c->hardware.hardware[i] = e;
	f->state = ENTRY_READ;
	return OK;
}

int catalog_device(const struct hardware_entry **out, struct catalog *c, const char *name, struct error *err)
{
	int rc;
	int64_t i = shelf_find(&rc, &c->hardware, &c->of_machines, name, err);

	*out = NULL;
	if (i >= 0 && (rc = read_device(c, (uint32_t)i, err)) == OK)
		*out = &c->hardware.hardware[i];
	return rc;
}

/* The heads hold all ids: looking through them takes microseconds, an index would take longer to build. */
int catalog_device_pci(const struct hardware_entry **out, unsigned *n, unsigned max, struct catalog *c, uint32_t pci, struct error *err)
{
	const struct shelf *s = &c->hardware;
	char id[16];
	int rc;

	*n = 0;
	snprintf(id, sizeof id, "%04x:%04x", (unsigned)(pci >> 16), (unsigned)(pci & 0xffff));
	for (int user = 1; user >= 0; user--)
		for (uint32_t i = 0; i < s->n && *n < max; i++) {
			const char *const *word = s->hardware[i].pci;
			if (s->file[i].user != user)
				continue;
			while (*word && !str_ieq(*word, id))
				word++;
			if (!*word)
				continue;
			if ((rc = read_device(c, i, err)) != OK)
				return rc;
			out[(*n)++] = &s->hardware[i];
		}
	return OK;
}

static int check_device_id(struct catalog *c, const char *file, const char *key, const char *id, struct error *err)
{
	int rc;

	if (!id || shelf_find_id(&c->hardware, id) >= 0)
		return OK;
	rc = error_at(err, E_CATALOGUE, file, 0, "%s: no entry '%.60s'", key, id);
	shelf_near(&c->hardware, id, err);
	return rc;
}

int catalog_device_file(const struct hardware_entry **out, struct catalog *c, const char *path, struct error *err)
{
	struct hardware_entry *e = arena_alloc(&c->a, sizeof *e);
	struct ydoc d;
	int rc;

	*out = NULL;
	if (!(path = arena_strdup(&c->a, path)) || !e)
		return no_memory(err);
	if ((rc = yaml_load(&d, &c->a, path, err)) == OK)
		rc = hardware_entry_read(e, &c->a, &d, err);
	for (unsigned i = 0; rc == OK && i < e->n_groups; i++)
		rc = check_device_id(c, path, "groups", e->groups[i].device, err);
	for (unsigned i = 0; rc == OK && i < e->n_variants; i++)
		rc = check_device_id(c, path, "variants", e->variants[i].entry, err);
	if (rc == OK)
		*out = e;
	return rc;
}
