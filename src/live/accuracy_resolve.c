/* accuracy_resolve.c - every distinct name of a file looked up once */
#include "live/accuracy_resolve.h"

#include "live/accuracy_names.h"

#include <string.h>

static const char *const columns[RESOLVE_COLUMNS][4] = { { "model" }, { "quant", "dtype", "precision" }, { "hardware", "gpu" } };

static struct resolved_name *find(struct resolve_column *c, const char *name, const char *engine)
{
	for (unsigned i = 0; i < c->n; i++)
		if (!strcmp(c->name[i].name, name) && !strcmp(c->name[i].engine, engine))
			return &c->name[i];
	return NULL;
}

/* The model's look-up sees the row's quantisation too, which may be the tail of its name: a name is known when it once was. */
static int look_up(struct resolved_name **out, struct resolution *res, unsigned which, struct acc_row *r, const char *quant, const char *engine)
{
	struct resolve_column *c = &res->column[which];
	const char *name = csv_get(r->csv, r->row, c->column), *own = which == RESOLVE_QUANT ? engine : "";
	struct resolved_name *n = find(c, name, own);
	const struct model_entry *m;

	if (!n) {
		n = &c->name[c->n++];
		*n = (struct resolved_name){ .name = name, .engine = arena_strdup(r->arena, own) };
		if (!n->engine)
			return E_NOMEM;
		if (which == RESOLVE_MACHINE) {
			int rc = accuracy_machine(r, name);
			n->state = rc == OK ? NAME_KNOWN : rc == E_AMBIGUOUS ? NAME_OPEN : NAME_UNKNOWN;
		}
	}
	if (which == RESOLVE_MODEL && n->state == NAME_UNKNOWN && (m = accuracy_model(r, name, quant)))
		n->state = m->spec ? NAME_KNOWN : NAME_OPEN;
	if (which == RESOLVE_QUANT && n->state == NAME_UNKNOWN && accuracy_recipe(r, quant, engine))
		n->state = NAME_KNOWN;
	*out = n;
	return OK;
}

static int take_row(struct resolution *res, struct acc_row *r)
{
	const char *model = csv_get(r->csv, r->row, "model"), *quant = accuracy_quant(r, csv_get(r->csv, r->row, res->column[RESOLVE_QUANT].column), model);
	const char *machine = res->column[RESOLVE_MACHINE].column;
	const char *engine = accuracy_engine(r, csv_column(r->csv, "dtype") >= 0 ? "vllm" : "llama.cpp");
	struct resolved_name *n;
	int all = 1, rc;

	if (!quant || !engine)
		return E_NOMEM;
	if (!accuracy_named(model) || !*quant || (machine && !accuracy_named(csv_get(r->csv, r->row, machine)))) {
		res->unnamed++;
		return OK;
	}
	res->counted++;
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++) {
		struct resolve_column *c = &res->column[i];
		if (!c->column)
			continue;
		if ((rc = look_up(&n, res, i, r, quant, engine)) != OK)
			return rc;
		n->rows++;
		c->rows++;
		c->known += n->state != NAME_UNKNOWN;
		c->open += n->state == NAME_OPEN;
		all &= n->state != NAME_UNKNOWN;
	}
	res->resolved += (unsigned)all;
	return OK;
}

int accuracy_resolve(struct resolution *out, struct catalog *c, const struct csv *csv, const char *const *where, unsigned n_where, struct arena *a,
	struct error *err)
{
	struct arena scratch = { 0 };
	int rc = OK;

	*out = (struct resolution){ .file = csv->file };
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++) {
		for (unsigned k = 0; k < 4 && columns[i][k] && !out->column[i].column; k++)
			if (csv_column(csv, columns[i][k]) >= 0)
				out->column[i].column = columns[i][k];
		if (!out->column[i].column && i != RESOLVE_MACHINE)
			return error_set(err, E_FILE, "%s: no column %s", csv->file, columns[i][0]);
		if (!(out->column[i].name = arena_array(a, (size_t)csv->n_rows + 1, sizeof *out->column[i].name)))
			return error_set(err, E_NOMEM, "out of memory");
	}
	if ((rc = accuracy_check_where(csv, where, n_where, err)) != OK)
		return rc;
	for (unsigned row = 0; row < csv->n_rows && rc == OK; row++) {
		struct acc_row r = { NULL, c, csv, row, a, &scratch };
		if (!accuracy_kept(csv, row, where, n_where))
			continue;
		out->rows++;
		arena_reset(&scratch);
		if ((rc = take_row(out, &r)) != OK)
			error_set(err, rc, "out of memory");
	}
	arena_free(&scratch);
	return rc;
}
