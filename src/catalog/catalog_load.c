/* catalog_load.c - a folder of entries into heads, the user's over the program's */
#include "catalog/catalog_load.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/catalog_head.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRY_BYTES = 1 << 20, MAX_ENTRIES = 20000, MAX_PROBLEMS = 64 };

/* What model_entry_head() and hardware_entry_head() read. */
static const char *const model_keys[] = { "id", "name", "aliases", "status", "family", "released", "licence", "repos", NULL };
static const char *const hardware_keys[] = {
	"schema", "id", "name", "kind", "vendor", "status", "why", "instead", "match", "variants", NULL
};

static int no_memory(struct loader *l) { return error_set(l->err, E_NOMEM, "out of memory"); }

static const char *stem_of(struct arena *a, const char *path)
{
	const char *base = str_base(path);
	size_t n = strlen(base);
	char *name = arena_strndup(a, base, n > 5 ? n - 5 : n), *folded = arena_alloc(a, n + 1);

	if (!name || !folded)
		return NULL;
	str_fold(folded, n + 1, name);
	return folded;
}

/* Keeps *e as a problem of the user's file. in_use: only some name of it is wrong. */
static int keep_problem(struct loader *l, const char *path, const struct error *e, int in_use)
{
	struct problems *p = l->p;

	if (!p->cap) {
		p->cap = MAX_PROBLEMS;
		p->list = arena_array(l->a, p->cap, sizeof *p->list);
		p->errors = arena_array(l->a, p->cap, sizeof *p->errors);
		if (!p->list || !p->errors) {
			p->cap = 0;
			return no_memory(l);
		}
	}
	if (p->n == p->cap)              /* enough to show that the folder is in a bad way */
		return OK;
	p->errors[p->n] = *e;
	p->list[p->n].err = &p->errors[p->n];
	if (!in_use && !(p->list[p->n].stem = stem_of(l->a, path)))
		return no_memory(l);
	p->n++;
	return OK;
}

/* The whole description of a model while its text is in sight. What is wrong with it is said when it is asked for. */
static void read_shapes(struct item *it, struct arena *a, const struct ydoc *d)
{
	struct model_entry *e = it->model->status == STATUS_OPEN_WEIGHTS ? arena_alloc(a, sizeof *e) : NULL;

	if (e && model_entry_read_shapes(e, a, d, NULL) == OK)
		it->file.shapes = e;
}

static int read_item(struct item *it, const struct loader *l, struct arena *a, struct error *err)
{
	const char *const *keys = l->s->kind != SHELF_MODELS ? hardware_keys : l->with_shapes ? model_shape_keys : model_keys;
	struct entry_file *f = &it->file;
	struct ydoc d;
	char *bytes;
	int rc, whole;

	if ((rc = file_read(&bytes, &f->n, a, f->path, MAX_ENTRY_BYTES, err)) != OK)
		return rc;
	f->bytes = bytes;
	for (int again = 0; again < 2; again++) {
		if (again)
			rc = yaml_parse(&d, a, f->path, f->bytes, f->n, err);
		else
			rc = head_parse(&d, &whole, a, f->path, f->bytes, f->n, keys, err);
		if (rc != OK)
			return rc;
		if (l->s->kind == SHELF_MODELS)
			rc = model_entry_head(it->model, a, &d, err);
		else
			rc = hardware_entry_head(it->hardware, a, &d, err);
		if (rc != E_CATALOGUE || whole)
			break;           /* else: with the whole file in sight the error may be another, or none */
		whole = 1;
	}
	it->id = l->s->kind == SHELF_MODELS ? it->model->id : it->hardware->id;
	if (rc == OK && l->with_shapes && !whole)
		read_shapes(it, a, &d);
	return rc;
}

void shelf_read(struct loader *l, uint32_t from, uint32_t to, struct arena *a)
{
	static const struct error out_of_memory = { .code = E_NOMEM, .text = "out of memory" };

	for (uint32_t i = from; i < to && i < l->n; i++) {
		struct item *it = &l->item[i];
		struct error e = { 0 };
		int rc = E_NOMEM;

		if (l->s->kind == SHELF_MODELS)
			it->model = arena_alloc(a, sizeof *it->model);
		else
			it->hardware = arena_alloc(a, sizeof *it->hardware);
		if (it->model || it->hardware)
			rc = read_item(it, l, a, &e);
		if (rc == OK)
			continue;
		it->err = arena_alloc(a, sizeof *it->err);
		if (it->err)
			*it->err = e.code ? e : out_of_memory;
		else
			it->id = NULL;   /* nothing can be said of it: shelf_end() takes that for want of memory */
	}
}

/* Leaves out what could not be read: an error of the program's own files, a problem of the user's. */
static int drop_unread(struct loader *l)
{
	uint32_t n = 0;
	int rc;

	for (uint32_t i = 0; i < l->n; i++) {
		struct item *it = &l->item[i];
		if (!it->err && it->id) {
			l->item[n++] = *it;
			continue;
		}
		if (!it->err || it->err->code == E_NOMEM)
			return no_memory(l);
		if (!it->file.user) {
			if (l->err)
				*l->err = *it->err;
			return it->err->code;
		}
		if ((rc = keep_problem(l, it->file.path, it->err, 0)) != OK)
			return rc;
	}
	l->n = n;
	return OK;
}

static int by_id(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	if (c)
		return c;
	if (x->file.user != y->file.user)
		return y->file.user - x->file.user;
	return strcmp(x->file.path, y->file.path);
}

/* Sorts, and keeps the first of each id: the user's, who may replace what the program has. */
static int sort_items(struct loader *l)
{
	uint32_t n = 0;

	if (l->n)
		qsort(l->item, l->n, sizeof *l->item, by_id);
	for (uint32_t i = 0; i < l->n; i++) {
		struct item *it = &l->item[i], *last = n ? &l->item[n - 1] : NULL;
		struct error e;
		int rc;

		if (!last || strcmp(last->id, it->id)) {
			l->item[n++] = *it;
			continue;
		}
		if (last->file.user != it->file.user)
			continue;
		rc = error_set(&e, E_CATALOGUE, "%s: id %s is also that of %s", it->file.path, it->id, last->file.path);
		if (!it->file.user) {
			if (l->err)
				*l->err = e;
			return rc;
		}
		if ((rc = keep_problem(l, it->file.path, &e, 1)) != OK)
			return rc;
	}
	l->n = n;
	return OK;
}

static uint32_t count_names(const struct item *it)
{
	const struct model_entry *m = it->model;
	const struct hardware_entry *h = it->hardware;
	uint32_t n = 2 + (m ? m->n_repos : 0u);

	for (const char *const *s = m ? m->aliases : h->aliases; *s; s++)
		n++;
	for (const char *const *s = m ? NULL : h->names; s && *s; s++)
		n++;
	return n;
}

static int add_name(struct loader *l, const char *text, uint32_t entry, int loose)
{
	const struct item *it = &l->item[entry];
	enum name_rank rank = it->file.user ? (loose ? NAME_USER_LOOSE : NAME_USER_EXACT) : loose ? NAME_LOOSE : NAME_EXACT;
	const struct name *clash;
	struct error e;
	int rc = index_add(&l->s->names, l->a, text, entry, rank, &clash, l->err);

	if (rc != OK || !clash)
		return rc;
	rc = error_set(&e, E_CATALOGUE, "%s: the name '%s' is also one of %s", it->file.path, text, l->item[clash->entry].file.path);
	if (it->file.user)
		return keep_problem(l, it->file.path, &e, 1);
	if (l->err)
		*l->err = e;
	return rc;
}

static int add_names(struct loader *l, uint32_t i)
{
	const struct model_entry *m = l->item[i].model;
	const struct hardware_entry *h = l->item[i].hardware;
	int rc = add_name(l, l->item[i].id, i, 0);

	if (rc == OK)
		rc = add_name(l, m ? m->name : h->name, i, 0);
	for (const char *const *s = m ? m->aliases : h->aliases; rc == OK && *s; s++)
		rc = add_name(l, *s, i, 0);
	for (const char *const *s = m ? NULL : h->names; rc == OK && s && *s; s++)
		rc = add_name(l, *s, i, 1);
	for (unsigned k = 0; rc == OK && m && k < m->n_repos; k++)
		rc = add_name(l, m->repos[k].value, i, 1);
	return rc;
}

/* Entries into arrays of their own, so that they can be handed out as lists. */
static int fill_shelf(struct loader *l)
{
	struct shelf *s = l->s;
	uint32_t names = 0;
	int rc;

	s->n = l->n;
	s->file = arena_array(l->a, l->n + 1, sizeof *s->file);
	if (s->kind == SHELF_MODELS)
		s->models = arena_array(l->a, l->n + 1, sizeof *s->models);
	else
		s->hardware = arena_array(l->a, l->n + 1, sizeof *s->hardware);
	if (!s->file || (!s->models && !s->hardware))
		return no_memory(l);
	for (uint32_t i = 0; i < l->n; i++) {
		s->file[i] = l->item[i].file;
		if (s->models)
			s->models[i] = *l->item[i].model;
		else
			s->hardware[i] = *l->item[i].hardware;
		names += count_names(&l->item[i]);
	}
	rc = index_init(&s->names, l->a, names, l->err);
	for (uint32_t i = 0; rc == OK && i < l->n; i++)
		rc = add_names(l, i);
	return rc;
}

int shelf_begin(struct loader *l, struct shelf *out, struct problems *p, struct arena *a, enum shelf_kind kind, int with_shapes, const char *program,
	const char *user, struct error *err)
{
	const char **names[2] = { NULL }, *folder[2] = { NULL }, *const sub = kind == SHELF_MODELS ? "models.d" : "hardware.d";
	uint32_t total = 0;
	int rc = OK;

	*l = (struct loader){ .s = out, .p = p, .a = a, .err = err, .with_shapes = (uint8_t)(with_shapes && kind == SHELF_MODELS) };
	*out = (struct shelf){ .kind = (uint8_t)kind };
	for (int i = 0; i < 2 && rc == OK; i++) {
		const char *root = i ? user : program;

		if (!root)
			continue;
		if (!(folder[i] = arena_printf(a, "%s/%s", root, sub)))
			rc = no_memory(l);
		else
			rc = dir_list(&names[i], &l->scratch, folder[i], ".yaml", i, err);
		for (const char **s = rc == OK ? names[i] : NULL; s && *s; s++)
			total++;
	}
	if (rc == OK && total > MAX_ENTRIES)
		rc = error_set(err, E_CATALOGUE, "%u entries in %s, at most %d", total, sub, (int)MAX_ENTRIES);
	if (rc == OK && !(l->item = arena_array(&l->scratch, total + 1, sizeof *l->item)))
		rc = no_memory(l);
	for (int i = 0; i < 2 && rc == OK; i++)
		for (const char **s = names[i]; s && *s && rc == OK; s++) {
			struct item *it = &l->item[l->n++];
			it->file.user = (uint8_t)i;
			if (!(it->file.path = arena_printf(a, "%s/%s", folder[i], *s)))
				rc = no_memory(l);
		}
	return rc;
}

int shelf_end(struct loader *l, int rc)
{
	if (rc == OK)
		rc = drop_unread(l);
	if (rc == OK)
		rc = sort_items(l);
	if (rc == OK)
		rc = fill_shelf(l);
	arena_free(&l->scratch);
	return rc;
}
