/* fuzz_csv.c - any bytes as a comma-separated file: the table is whole, and written out again it reads the same */
#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text { char *p; size_t n; };

/* Every cell in quotes: a cell that needs them cannot be told from one that does not. */
static void put(struct text *to, const char *cell, char end)
{
	to->p[to->n++] = '"';
	for (; *cell; cell++) {
		if (*cell == '"')
			to->p[to->n++] = '"';
		to->p[to->n++] = *cell;
	}
	to->p[to->n++] = '"';
	to->p[to->n++] = end;
}

static size_t check(const struct csv *c, const uint8_t *data, size_t size)
{
	unsigned lines = 1, last = 0;
	size_t bytes = 0;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (c->n_columns < 1 || c->n_columns > CSV_COLUMNS || (size_t)c->n_rows * c->n_columns > CSV_CELLS || c->n_rows >= lines)
		abort();
	for (unsigned i = 0; i < c->n_columns; i++) {
		int at = csv_column(c, c->head[i]);
		if (at < 0 || at > (int)i || strcmp(c->head[at], c->head[i]))
			abort();
		bytes += strlen(c->head[i]);
	}
	for (unsigned r = 0; r < c->n_rows; r++) {
		if (c->line[r] <= last || c->line[r] < 2 || c->line[r] > lines)
			abort();
		last = c->line[r];
		for (unsigned i = 0; i < c->n_columns; i++)
			bytes += strlen(c->cell[(size_t)r * c->n_columns + i]);
		if (strcmp(csv_get(c, r, c->head[0]), c->cell[(size_t)r * c->n_columns]))
			abort();
	}
	if (bytes > size)
		abort();             /* each byte is in one cell at most */
	return bytes;
}

static void again(const struct csv *c, size_t bytes)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	size_t cells = (size_t)c->n_rows * c->n_columns;
	struct text out = { malloc(2 * bytes + 3 * (cells + c->n_columns) + 1), 0 };
	struct csv back;

	if (!out.p)
		return;
	for (unsigned i = 0; i < c->n_columns; i++)
		put(&out, c->head[i], i + 1 == c->n_columns ? '\n' : ',');
	for (size_t i = 0; i < cells; i++)
		put(&out, c->cell[i], (i + 1) % c->n_columns ? ',' : '\n');
	if (csv_parse(&back, &a, "again.csv", out.p, out.n, &err) != OK || back.n_columns != c->n_columns || back.n_rows != c->n_rows)
		abort();
	for (unsigned i = 0; i < c->n_columns; i++)
		if (strcmp(back.head[i], c->head[i]))
			abort();
	for (size_t i = 0; i < cells; i++)
		if (strcmp(back.cell[i], c->cell[i]))
			abort();
	free(out.p);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct csv c;
	int rc = csv_parse(&c, &a, "fuzz.csv", data, size, &err);

	if (rc == OK)
		again(&c, check(&c, data, size));
	else if (rc != E_FILE || strncmp(err.text, "fuzz.csv:", 9))
		abort();
	arena_free(&a);
	return 0;
}
