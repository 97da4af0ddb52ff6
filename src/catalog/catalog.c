/* catalog.c - the folders opened: data, and the heads of all entries */
#include "catalog/catalog_private.h"

#include "base/pool.h"
#include "catalog/catalog_folder.h"

#include <stdlib.h>
#include <string.h>

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
		return catalog_no_memory(err);
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
		return catalog_no_memory(err);
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
		return catalog_no_memory(err);
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
