/* use_case.c - reader of data/use-cases.yaml */
#include "catalog/use_case.h"

#include "catalog/model_read.h"

static void read_row(struct model_read *r, struct use_case_row *w, struct ynode *n)
{
	unsigned mark = mr_open(r, n);

	n->used = 1;
	*w = (struct use_case_row){ .source = mr_source(r, n) };
	mr_str(r, &w->situation, n, "situation", YAML_OPTIONAL);
	mr_str(r, &w->note, n, "note", YAML_OPTIONAL);
	w->models = mr_list(r, n, "models");
	w->hardware = mr_list(r, n, "hardware");
	for (unsigned i = 0; r->rc == OK && w->models[i]; i++)
		mr_id(r, n, "models", w->models[i]);
	for (unsigned i = 0; r->rc == OK && w->hardware[i]; i++)
		if (!w->hardware[i][0])
			mr_fail(r, n, "hardware: an empty name");
	mr_close(r, n, mark);
}

static void read_case(struct model_read *r, struct use_case *u, struct ynode *n)
{
	struct use_case_row *rows;
	struct ynode *s;
	unsigned mark = mr_open(r, n);

	n->used = 1;
	*u = (struct use_case){ .id = n->key, .source = ENTRY_NO_SOURCE };
	mr_id(r, n, "use_cases", n->key);
	mr_str(r, &u->name, n, "name", YAML_NEED);
	mr_str(r, &u->note, n, "note", YAML_OPTIONAL);
	mr_str(r, &u->modality, n, "modality", YAML_OPTIONAL);
	u->tags = mr_list(r, n, "tags");
	mr_u32(r, &u->context, n, "context", 1, YAML_OPTIONAL);
	if (mr_get(r, n, "source"))
		u->source = mr_source(r, n);
	s = mr_seq(r, n, "guides");
	if (s && (rows = mr_alloc(r, s->n, sizeof *rows)) != NULL) {
		u->rows = rows;
		for (struct ynode *c = s->child; c && r->rc == OK; c = c->next)
			read_row(r, &rows[u->n_rows++], c);
	}
	mr_close(r, n, mark);
}

static int read_all(struct use_cases *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct model_read r;
	struct use_case *list;
	struct ynode *m;

	mr_start_data(&r, a, d, err);
	m = mr_map(&r, d->root, "use_cases");
	if (!m)
		mr_fail(&r, d->root, "use_cases: missing");
	*out = (struct use_cases){ .file = d->file, .sources = r.sources, .n_sources = r.n_sources };
	if (m && (list = mr_alloc(&r, m->n, sizeof *list)) != NULL) {
		out->list = list;
		for (struct ynode *c = m->child; c && r.rc == OK; c = c->next)
			read_case(&r, &list[out->n++], c);
	}
	mr_close(&r, d->root, 0);
	return r.rc;
}

int use_cases_parse(struct use_cases *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct ydoc d;
	int rc = yaml_parse(&d, a, file, bytes, n, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}

int use_cases_load(struct use_cases *out, struct arena *a, const char *path, struct error *err)
{
	struct ydoc d;
	int rc = yaml_load(&d, a, path, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}
