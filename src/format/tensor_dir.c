/* tensor_dir.c - what every list of tensors must hold: names once, bytes once, inside the file */
#include "format/tensor_dir.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* qsort has no context argument, so what is sorted carries what is compared. */
struct by_name { const char *name; uint64_t i; };
struct by_offset { uint64_t offset, bytes, i; };

static int compare_names(const void *a, const void *b)
{
	const struct by_name *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->i > y->i) - (x->i < y->i);
}
/* Empty tensors first among those that begin at the same byte: they overlap nothing. */
static int compare_offsets(const void *a, const void *b)
{
	const struct by_offset *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

/* The two tensors of the same name, in file order; *same 0: none. */
static int find_double(uint64_t *first, uint64_t *second, int *same, const struct tensor_dir *d, struct arena *a,
	struct error *err)
{
	struct by_name *list = arena_array(a, d->n ? d->n : 1, sizeof *list);

	*same = 0;
	if (!list)
		return error_set(err, E_NOMEM, "out of memory checking %llu tensor names", (unsigned long long)d->n);
	for (uint64_t i = 0; i < d->n; i++)
		list[i] = (struct by_name){ d->t[i].name, i };
	qsort(list, d->n, sizeof *list, compare_names);
	for (uint64_t i = 1; i < d->n && !*same; i++)
		if (!strcmp(list[i - 1].name, list[i].name)) {
			*first = list[i - 1].i;
			*second = list[i].i;
			*same = 1;
		}
	return OK;
}

static const char *where(char *buf, size_t n, const uint64_t *at, uint64_t i)
{
	if (at)
		snprintf(buf, n, " (byte %llu)", (unsigned long long)at[i]);
	else
		*buf = 0;
	return buf;
}

int tensor_dir_check(const struct tensor_dir *d, const char *file, const uint64_t *at, uint64_t data_bytes, int exact,
	struct error *err)
{
	struct arena scratch = { 0 };
	struct by_offset *list;
	uint64_t i, k, end = 0;
	char w[40];
	int same, rc;

	if ((rc = find_double(&i, &k, &same, d, &scratch, err)) != OK)
		goto out;
	if (same) {
		rc = error_set(err, E_FILE, "%s: two tensors are called %.96s: number %llu and number %llu%s", file, d->t[i].name,
			(unsigned long long)i, (unsigned long long)k, where(w, sizeof w, at, k));
		goto out;
	}
	if (!(list = arena_array(&scratch, d->n ? d->n : 1, sizeof *list))) {
		rc = error_set(err, E_NOMEM, "%s: out of memory checking %llu tensors", file, (unsigned long long)d->n);
		goto out;
	}
	for (i = 0; i < d->n; i++) {
		const struct file_tensor *t = &d->t[i];

		if (t->bytes > data_bytes || t->offset > data_bytes - t->bytes) {
			rc = error_set(err, E_FILE, "%s: tensor %.96s%s has %llu bytes at offset %llu, but the file has %llu bytes of data", file,
				t->name, where(w, sizeof w, at, i), (unsigned long long)t->bytes, (unsigned long long)t->offset,
				(unsigned long long)data_bytes);
			goto out;
		}
		list[i] = (struct by_offset){ t->offset, t->bytes, i };
	}
	qsort(list, d->n, sizeof *list, compare_offsets);
	for (i = 0; i < d->n; i++) {
		const struct file_tensor *t = &d->t[list[i].i];

		if (t->offset < end) {
			rc = error_set(err, E_FILE, "%s: tensor %.96s%s begins at offset %llu, inside %.96s, which ends at %llu", file, t->name,
				where(w, sizeof w, at, list[i].i), (unsigned long long)t->offset, i ? d->t[list[i - 1].i].name : "",
				(unsigned long long)end);
			goto out;
		}
		if (exact && t->offset > end) {
			rc = error_set(err, E_FILE, "%s: the bytes of data from %llu to %llu, before tensor %.96s, belong to no tensor", file,
				(unsigned long long)end, (unsigned long long)t->offset, t->name);
			goto out;
		}
		end = t->offset + t->bytes;
	}
	if (exact && end != data_bytes)
		rc = error_set(err, E_FILE, "%s: the tensors end at byte %llu of the data, but the file has %llu bytes of data", file,
			(unsigned long long)end, (unsigned long long)data_bytes);
out:
	arena_free(&scratch);
	return rc;
}

int tensor_dir_join(struct tensor_dir *out, struct arena *a, const struct tensor_dir *shards, uint32_t n, struct error *err)
{
	struct tensor_dir d = { 0 };

	for (uint32_t s = 0; s < n; s++)
		if (u64_add(&d.n, d.n, shards[s].n) || u64_add(&d.bytes, d.bytes, shards[s].bytes))
			return error_set(err, E_FILE, "the tensors of all shards together overflow 64 bits");
	if (!(d.t = arena_array(a, d.n ? d.n : 1, sizeof *d.t)))
		return error_set(err, E_NOMEM, "out of memory for %llu tensors", (unsigned long long)d.n);
	struct file_tensor *to = d.t;
	for (uint32_t s = 0; s < n; s++)
		for (uint64_t i = 0; i < shards[s].n; i++) {
			*to = shards[s].t[i];
			to++->shard = (uint16_t)s;
		}
	*out = d;
	return OK;
}

int tensor_dir_check_names(const struct tensor_dir *d, const char *const *files, struct error *err)
{
	struct arena scratch = { 0 };
	uint64_t i, k;
	int same, rc = find_double(&i, &k, &same, d, &scratch, err);

	if (rc == OK && same)
		rc = error_set(err, E_FILE, "%s: tensor %.96s is in %s too", files[d->t[k].shard], d->t[k].name, files[d->t[i].shard]);
	arena_free(&scratch);
	return rc;
}
