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

struct item {
	const char *id;
	struct entry_file file;
	struct model_entry *model;
	struct hardware_entry *hardware;
};
struct loader {
	struct shelf *s;
	struct problems *p;
	struct arena *a;
	struct error *err;
	struct item *item;
	uint32_t n;
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

static int read_item(struct item *it, struct loader *l, struct error *err)
{
	const char *const *keys = l->s->kind == SHELF_MODELS ? model_keys : hardware_keys;
	struct entry_file *f = &it->file;
	struct ydoc d;
	char *bytes;
	int rc, whole;

	if ((rc = file_read(&bytes, &f->n, l->a, f->path, MAX_ENTRY_BYTES, err)) != OK)
		return rc;
	f->bytes = bytes;
	for (int again = 0; again < 2; again++) {
		if (again)
			rc = yaml_parse(&d, l->a, f->path, f->bytes, f->n, err);
		else
			rc = head_parse(&d, &whole, l->a, f->path, f->bytes, f->n, keys, err);
		if (rc != OK)
			return rc;
		if (l->s->kind == SHELF_MODELS)
			rc = model_entry_head(it->model, l->a, &d, err);
		else
			rc = hardware_entry_head(it->hardware, l->a, &d, err);
		if (rc != E_CATALOGUE || whole)
			break;           /* else: with the whole file in sight the error may be another, or none */
		whole = 1;
	}
	it->id = l->s->kind == SHELF_MODELS ? it->model->id : it->hardware->id;
	return rc;
}

static int load_folder(struct loader *l, const char *folder, const char *const *names, int user)
{
	for (; *names; names++) {
		struct item *it = &l->item[l->n];
		struct error e = { 0 };
		int rc;

		*it = (struct item){ .file = { .user = (uint8_t)user } };
		it->file.path = arena_printf(l->a, "%s/%s", folder, *names);
		if (l->s->kind == SHELF_MODELS)
			it->model = arena_alloc(l->a, sizeof *it->model);
		else
			it->hardware = arena_alloc(l->a, sizeof *it->hardware);
		if (!it->file.path || (!it->model && !it->hardware))
			return no_memory(l);
		rc = read_item(it, l, &e);
		if (rc == OK) {
			l->n++;
		} else if (user && rc != E_NOMEM) {
			if ((rc = keep_problem(l, it->file.path, &e, 0)) != OK)
				return rc;
		} else {
			if (l->err)
				*l->err = e;
			return rc;
		}
	}
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

int shelf_load(struct shelf *out, struct problems *p, struct arena *a, enum shelf_kind kind, const char *program,
	const char *user, struct error *err)
{
	const char **names[2] = { NULL }, *folder[2], *const sub = kind == SHELF_MODELS ? "models.d" : "hardware.d";
	struct loader l = { out, p, a, err, NULL, 0 };
	struct arena scratch = { 0 };
	uint32_t total = 0;
	int rc = OK;

	*out = (struct shelf){ .kind = (uint8_t)kind };
	for (int i = 0; i < 2 && rc == OK; i++) {
		const char *root = i ? user : program;

		if (!root)
			continue;
		if (!(folder[i] = arena_printf(a, "%s/%s", root, sub)))
			rc = no_memory(&l);
		else
			rc = dir_list(&names[i], &scratch, folder[i], ".yaml", i, err);
		for (const char **s = rc == OK ? names[i] : NULL; s && *s; s++)
			total++;
	}
	if (rc == OK && total > MAX_ENTRIES)
		rc = error_set(err, E_CATALOGUE, "%u entries in %s, at most %d", total, sub, (int)MAX_ENTRIES);
	if (rc == OK && !(l.item = arena_array(&scratch, total + 1, sizeof *l.item)))
		rc = no_memory(&l);
	for (int i = 0; i < 2 && rc == OK; i++)
		if (names[i])
			rc = load_folder(&l, folder[i], names[i], i);
	if (rc == OK)
		rc = sort_items(&l);
	if (rc == OK)
		rc = fill_shelf(&l);
	arena_free(&scratch);
	return rc;
}
