/* catalog_index.c - open addressing over folded names */
#include "catalog/catalog_index.h"

#include "base/str.h"

#include <string.h>

enum { MAX_NAME = 256 };

int index_init(struct name_index *x, struct arena *a, uint32_t names, struct error *err)
{
	uint32_t cap = 64;

	while (cap / 2 < names && cap < UINT32_C(1) << 30)
		cap *= 2;
	x->n = 0;
	x->cap = cap;
	x->slot = arena_array(a, cap, sizeof *x->slot);
	return x->slot ? OK : error_set(err, E_NOMEM, "out of memory");
}

/* FNV-1a, 32 bits */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct name *find_slot(const struct name_index *x, const char *folded)
{
	uint32_t i = hash(folded) & (x->cap - 1);

	while (x->slot[i].folded && strcmp(x->slot[i].folded, folded))
		i = (i + 1) & (x->cap - 1);
	return &x->slot[i];
}

static int is_exact(unsigned rank) { return rank == NAME_EXACT || rank == NAME_USER_EXACT; }

int index_add(struct name_index *x, struct arena *a, const char *text, uint32_t entry, enum name_rank rank,
	const struct name **clash, struct error *err)
{
	char folded[MAX_NAME];
	struct name *s;

	*clash = NULL;
	/* a name that is nothing but blanks and dashes, or longer than anybody types, cannot be looked up */
	if (!str_fold(folded, sizeof folded, text) || strlen(folded) + 1 == sizeof folded)
		return OK;
	s = find_slot(x, folded);
	if (!s->folded) {
		if (x->n >= x->cap / 2)
			return error_set(err, E_NOMEM, "more names than counted");
		if (!(s->folded = arena_strdup(a, folded)))
			return error_set(err, E_NOMEM, "out of memory");
		x->n++;
	} else if (s->entry == entry) {
		if (rank < s->rank) {
			s->rank = (uint8_t)rank;
			s->shared = 0;
		}
		return OK;
	} else if (rank == s->rank) {
		if (is_exact(rank))
			*clash = s;
		else
			s->shared = 1;
		return OK;
	} else if (rank > s->rank) {
		return OK;
	}
	s->text = text;
	s->entry = entry;
	s->rank = (uint8_t)rank;
	s->shared = 0;
	return OK;
}

const struct name *index_find(const struct name_index *x, const char *text)
{
	char folded[MAX_NAME];
	const struct name *s;

	if (!x->cap || !str_fold(folded, sizeof folded, text) || strlen(folded) + 1 == sizeof folded)
		return NULL;
	s = find_slot(x, folded);
	return s->folded ? s : NULL;
}
