/* catalog_load.h - the entries of one kind, from two folders, as heads sorted by id and an index of their names. Private. */
#ifndef CATALOG_LOAD_H
#define CATALOG_LOAD_H

#include "catalog/catalog.h"
#include "catalog/catalog_index.h"

enum shelf_kind { SHELF_MODELS, SHELF_HARDWARE };
enum entry_state { ENTRY_HEAD, ENTRY_SHAPES, ENTRY_READING, ENTRY_READ };     /* SHAPES: what an estimate needs, without sources */

struct entry_file {
	const char *path, *bytes;
	size_t n;
	uint8_t user, state;             /* state: enum entry_state */
	const struct model_entry *shapes;        /* what an estimate needs of it, where that was read with the head; else NULL */
};
/* A file of the user's folder that is wrong. stem: its name without .yaml, folded; NULL when it is in use all the same. */
struct problem { const char *stem; const struct error *err; };
struct shelf {
	uint8_t kind;                    /* enum shelf_kind */
	uint32_t n;
	struct entry_file *file;         /* n, like the entries */
	struct model_entry *models;      /* one of these two */
	struct hardware_entry *hardware;
	struct name_index names;
};
/* Problems of both shelves. */
struct problems { struct problem *list; struct error *errors; unsigned n, cap; };

/* One shelf on its way: its files listed, each read by whichever thread comes to it, then put in order. */
struct item {
	const char *id;
	struct entry_file file;
	struct model_entry *model;
	struct hardware_entry *hardware;
	struct error *err;               /* why it could not be read, or NULL */
};
struct loader {
	struct shelf *s;
	struct problems *p;
	struct arena *a;                 /* of what the shelf keeps */
	struct error *err;
	struct arena scratch;
	struct item *item;
	uint32_t n;
	uint8_t with_shapes;             /* models: shapes too, in one go */
};

/* program: the folder that must be there; user: NULL or one that may be. */
int shelf_begin(struct loader *l, struct shelf *out, struct problems *p, struct arena *a, enum shelf_kind kind, int with_shapes, const char *program,
	const char *user, struct error *err) MUST_CHECK;
/* Items from (included) to (not), into an arena of the calling thread that lives as long as the shelf. */
void shelf_read(struct loader *l, uint32_t from, uint32_t to, struct arena *a);
/* Closes the loader too; to be called whether or not shelf_begin() succeeded (rc: what it returned). */
int shelf_end(struct loader *l, int rc) MUST_CHECK;
const char *shelf_id(const struct shelf *s, uint32_t i);
/* Index of an id, exactly; -1. */
int64_t shelf_find_id(const struct shelf *s, const char *id);
/* Index of any name; -1 with an error: E_CATALOGUE (a broken file of that name), E_AMBIGUOUS, or E_MODEL or E_HARDWARE with
 * near matches. */
int64_t shelf_find(int *rc, const struct shelf *s, const struct problems *p, const char *name, struct error *err);
/* Adds the ids nearest to a name to an error that is set. */
void shelf_near(const struct shelf *s, const char *name, struct error *err);

#endif
