/* csv.c - reader of comma-separated files */
#include "base/csv.h"

#include <string.h>

/* One pass over the bytes: cells are unquoted in place of a copy. */
struct reader { char *p, *end; unsigned line; const char *file; };

/* Reads one cell; *more: another follows in this row. */
static int cell(const char **out, int *more, struct reader *r, struct error *err)
{
	char *to, *start;

	*more = 0;
	if (r->p < r->end && *r->p == '"') {
		unsigned line = r->line;
		start = to = ++r->p;
		for (;; r->p++) {
			if (r->p == r->end)
				return error_at(err, E_FILE, r->file, line, "a quoted cell is never closed");
			if (*r->p == '"') {
				if (r->p + 1 < r->end && r->p[1] == '"')
					r->p++;
				else
					break;
			}
			if (*r->p == '\n')
				r->line++;
			*to++ = *r->p;
		}
		r->p++;
		if (r->p < r->end && *r->p != ',' && *r->p != '\n' && *r->p != '\r')
			return error_at(err, E_FILE, r->file, r->line, "text after a closing quote");
	} else {
		start = r->p;
		while (r->p < r->end && *r->p != ',' && *r->p != '\n' && *r->p != '\r')
			r->p++;
		to = r->p;
	}
	char *sep = r->p;
	if (r->p + 1 < r->end && *r->p == '\r' && r->p[1] != '\n')        /* nor do rows end so: they are counted by '\n' */
		return error_at(err, E_FILE, r->file, r->line, "a carriage return that ends no line");
	if (r->p < r->end && *r->p == ',') {
		*more = 1;
		r->p++;
	} else {
		if (r->p < r->end && *r->p == '\r')
			r->p++;
		if (r->p < r->end && *r->p == '\n') {
			r->p++;
			r->line++;
		}
	}
	*to = 0;
	*sep = 0;
	*out = start;
	return OK;
}

int csv_parse(struct csv *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	const char *head[CSV_COLUMNS];
	unsigned rows = 0;
	int more = 1, rc;

	*out = (struct csv){ .file = file };
	if (n && memchr(bytes, 0, n))
		return error_set(err, E_FILE, "%s: not text: a NUL byte", file);
	char *copy = arena_strndup(a, bytes, n);
	if (!copy)
		return error_set(err, E_NOMEM, "out of memory");
	struct reader r = { copy, copy + n, 1, file };
	if (n >= 3 && !memcmp(copy, "\xef\xbb\xbf", 3))        /* a byte order mark: spreadsheets write one */
		r.p += 3;
	while (more) {
		if (out->n_columns == CSV_COLUMNS)
			return error_at(err, E_FILE, file, 1, "more than %d columns", CSV_COLUMNS);
		if ((rc = cell(&head[out->n_columns], &more, &r, err)) != OK)
			return rc;
		out->n_columns++;
	}
	if (out->n_columns == 1 && !head[0][0])
		return error_at(err, E_FILE, file, 1, "no header line");
	for (char *p = r.p; p < r.end; p++)
		rows += *p == '\n';
	if (rows >= CSV_CELLS / out->n_columns)
		return error_set(err, E_FILE, "%s: %u lines of %u columns, more than the %d cells this reader takes", file, rows,
		                 out->n_columns, CSV_CELLS);
	out->head = arena_array(a, out->n_columns, sizeof *out->head);
	out->cell = arena_array(a, (size_t)(rows + 1) * out->n_columns, sizeof *out->cell);
	out->line = arena_array(a, rows + 1, sizeof *out->line);
	if (!out->head || !out->cell || !out->line)
		return error_set(err, E_NOMEM, "out of memory");
	memcpy(out->head, head, out->n_columns * sizeof *head);
	while (r.p < r.end) {
		unsigned line = r.line, c = 0;
		const char **row = &out->cell[(size_t)out->n_rows * out->n_columns];
		for (more = 1; more; c++) {
			const char *s;
			if ((rc = cell(&s, &more, &r, err)) != OK)
				return rc;
			if (c == out->n_columns)
				return error_at(err, E_FILE, file, line, "more cells than the %u columns of the header", out->n_columns);
			row[c] = s;
		}
		if (c == 1 && !row[0][0])
			continue;                /* an empty line */
		for (; c < out->n_columns; c++)
			row[c] = "";
		out->line[out->n_rows++] = line;
	}
	return OK;
}

int csv_column(const struct csv *c, const char *name)
{
	for (unsigned i = 0; i < c->n_columns; i++)
		if (!strcmp(c->head[i], name))
			return (int)i;
	return -1;
}

const char *csv_get(const struct csv *c, unsigned row, const char *name)
{
	int i = csv_column(c, name);

	return i < 0 ? "" : c->cell[(size_t)row * c->n_columns + (unsigned)i];
}
