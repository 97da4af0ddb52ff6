/* columns.c - rows of named columns as text, CSV and JSON */
#include "cli/columns.h"

#include "base/str.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

/* Columns that the last one keeps while an earlier one is cut. */
enum { LAST_LEAST = 10 };

/* Does `word` of n bytes name the column? Either name will do, with '-' for '_'. */
static int named(const struct column *c, const char *word, size_t n)
{
	const char *const names[] = { c->key, c->csv };

	for (unsigned k = 0; k < 2; k++) {
		size_t i = 0;
		while (i < n && names[k][i] && (names[k][i] == '_' ? '-' : names[k][i]) == (word[i] == '_' ? '-' : word[i]))
			i++;
		if (i == n && !names[k][i])
			return 1;
	}
	return 0;
}

static int find(const struct column *all, const char *word, size_t n)
{
	for (int i = 0; all[i].key; i++)
		if (named(&all[i], word, n))
			return i;
	return -1;
}

static int no_column(const struct column *all, const char *option, const char *word, size_t n, struct error *err)
{
	struct near_matches near;
	char list[240] = "", one[64];

	snprintf(one, sizeof one, "%.*s", (int)(n < 60 ? n : 60), word);
	near_init(&near, one);
	for (unsigned i = 0; all[i].key; i++) {
		near_offer(&near, all[i].key);
		if (strlen(list) + strlen(all[i].key) + 3 < sizeof list)
			strcat(strcat(list, i ? ", " : ""), all[i].key);
	}
	error_set(err, E_USAGE, "%s: no column %s", option, one);
	near_report(&near, err);
	error_hint(err, "%s", list);
	return E_USAGE;
}

static int pick(struct columns *out, const char *list, const char *option, struct error *err)
{
	for (const char *p = list;; p++) {
		size_t n = strcspn(p, ",");
		int i = find(out->all, p, n);
		if (i < 0)
			return no_column(out->all, option, p, n, err);
		if (out->n == sizeof out->pick / sizeof *out->pick)
			return error_set(err, E_USAGE, "%s: more than %u", option, out->n);
		out->pick[out->n++] = (unsigned)i;
		p += n;
		if (!*p)
			return OK;
	}
}

int columns_open(struct columns *out, const struct column *all, const char *usual, const struct options *o, struct error *err)
{
	int rc;

	*out = (struct columns){ .all = all, .chosen = o->columns != NULL, .sort = -1 };
	if ((rc = pick(out, o->columns ? o->columns : usual, "--columns", err)) != OK)
		return rc;
	if (out->chosen && out->n > TABLE_COLUMNS && !o->json && !o->csv)
		return error_set(err, E_USAGE, "--columns: a text table has at most %d", (int)TABLE_COLUMNS);
	if (!o->sort)
		return OK;
	out->reverse = o->sort[0] == '-';
	out->sort = find(all, o->sort + out->reverse, strlen(o->sort + out->reverse));
	return out->sort >= 0 ? OK : no_column(all, "--sort", o->sort + out->reverse, strlen(o->sort + out->reverse), err);
}

static void join(char *buf, size_t n, const char *const *list, const char *between)
{
	size_t used = 0;

	buf[0] = 0;
	for (unsigned i = 0; list[i] && used < n; i++)
		used += (size_t)snprintf(buf + used, n - used, "%s%s", i ? between : "", list[i]);
}

const char *cell_text(char *buf, size_t n, const struct cell *c)
{
	char v[32];

	switch ((enum cell_kind)c->kind) {
	case CELL_NONE: return "?";
	case CELL_EMPTY: return "";
	case CELL_TEXT: case CELL_DATE: return c->s;
	case CELL_LIST: join(buf, n, c->list, ", "); return buf;
	case CELL_NUMBER: snprintf(buf, n, "%.0f", c->v); return buf;
	case CELL_COUNT: return format_count(buf, n, c->v);
	case CELL_TOKENS: return format_tokens(buf, n, (uint64_t)c->v);
	case CELL_BYTES: return format_bytes(buf, n, (uint64_t)c->v);
	case CELL_LEFT: return format_signed_bytes(buf, n, (int64_t)c->v);
	case CELL_RATE:
		snprintf(buf, n, "%s%s%s", format_3(v, sizeof v, c->v / (!strcmp(c->unit, "GB/s") ? 1e9 : !strcmp(c->unit, "TFLOPS") ? 1e12 : 1)), *c->unit ? " " : "", c->unit);
		return buf;
	}
	return "";
}

/* What a sort is about; qsort has no room for it. */
static struct { const struct columns *c; cell_fn *cell; } sorting;

static int words_compare(const struct cell *a, const struct cell *b)
{
	char x[256], y[256];

	if (a->kind != CELL_LIST)
		return strcmp(a->s, b->s);
	join(x, sizeof x, a->list, ",");
	join(y, sizeof y, b->list, ",");
	return strcmp(x, y);
}

static int compare(const void *pa, const void *pb)
{
	const void *ra = *(const void *const *)pa, *rb = *(const void *const *)pb;
	struct cell a = { 0 }, b = { 0 };
	int way = 0;

	if (sorting.c->sort >= 0) {
		sorting.cell(&a, ra, (unsigned)sorting.c->sort);
		sorting.cell(&b, rb, (unsigned)sorting.c->sort);
		if (a.kind <= CELL_EMPTY || b.kind <= CELL_EMPTY)
			way = (a.kind <= CELL_EMPTY) - (b.kind <= CELL_EMPTY);
		else if (a.kind == CELL_TEXT || a.kind == CELL_DATE || a.kind == CELL_LIST)
			way = words_compare(&a, &b) * (a.kind == CELL_DATE ? -1 : 1) * (sorting.c->reverse ? -1 : 1);
		else
			way = ((a.v > b.v) - (a.v < b.v)) * (sorting.c->reverse ? -1 : 1);
	}
	if (way)
		return way;
	sorting.cell(&a, ra, 0);
	sorting.cell(&b, rb, 0);
	return strcmp(a.s, b.s);
}

void columns_sort(const struct columns *c, cell_fn *cell, const void **rows, unsigned n)
{
	sorting.c = c;
	sorting.cell = cell;
	qsort(rows, n, sizeof *rows, compare);
}

void columns_text(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, const struct text *t)
{
	unsigned k = c->n < TABLE_COLUMNS ? c->n : TABLE_COLUMNS;
	uint32_t right = 0;
	struct table tab;
	char buf[256];

	for (unsigned i = 0; i < k; i++)
		right |= (uint32_t)c->all[c->pick[i]].right << i;
	table_init(&tab, k, right);
	tab.shrink = 1;
	tab.last_least = LAST_LEAST;
	for (unsigned i = 0; i < k; i++)
		if (!strcmp(c->all[c->pick[i]].key, "name"))
			tab.shrink = i + 1;
	for (unsigned i = 0; i < k; i++)
		table_cell(&tab, DIM, "%s", c->all[c->pick[i]].head);
	for (unsigned r = 0; r < n; r++)
		for (unsigned i = 0; i < k; i++) {
			struct cell x = { 0 };
			cell(&x, rows[r], c->pick[i]);
			table_cell(&tab, x.kind == CELL_NONE ? DIM : PLAIN, "%s", cell_text(buf, sizeof buf, &x));
		}
	table_print(&tab, t, 1);
}

static void csv_value(const struct cell *x, int last, FILE *out)
{
	char buf[1024];

	if (x->kind <= CELL_EMPTY) {
		csv_cell(out, "", last);
	} else if (x->kind == CELL_TEXT || x->kind == CELL_DATE) {
		csv_cell(out, x->s, last);
	} else if (x->kind == CELL_LIST) {
		join(buf, sizeof buf, x->list, ";");
		csv_cell(out, buf, last);
	} else {
		snprintf(buf, sizeof buf, x->kind == CELL_RATE ? "%.6g" : "%.0f", x->v);
		/* rates of 1e9 and up are whole numbers too */
		if (x->kind == CELL_RATE && x->v >= 1e5)
			snprintf(buf, sizeof buf, "%.0f", x->v);
		csv_cell(out, buf, last);
	}
}

/* The columns of CSV and JSON: those asked for, or all but those that stand apart. */
static unsigned wanted(unsigned *list, const struct columns *c)
{
	unsigned n = 0;

	if (c->chosen) {
		memcpy(list, c->pick, c->n * sizeof *list);
		return c->n;
	}
	for (unsigned i = 0; c->all[i].key; i++)
		if (!c->all[i].apart)
			list[n++] = i;
	return n;
}

enum { MANY = 64 };

void columns_csv(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, FILE *out)
{
	unsigned list[MANY], k = wanted(list, c);

	for (unsigned i = 0; i < k; i++)
		csv_cell(out, c->all[list[i]].csv, i + 1 == k);
	for (unsigned r = 0; r < n; r++)
		for (unsigned i = 0; i < k; i++) {
			struct cell x = { 0 };
			cell(&x, rows[r], list[i]);
			csv_value(&x, i + 1 == k, out);
		}
}

static void json_value(cJSON *o, const char *key, const struct cell *x)
{
	if (x->kind <= CELL_EMPTY) {
		cJSON_AddNullToObject(o, key);
	} else if (x->kind == CELL_TEXT || x->kind == CELL_DATE) {
		json_add_str(o, key, x->s);
	} else if (x->kind == CELL_LIST) {
		cJSON *list = json_add_array(o, key);
		for (unsigned i = 0; x->list[i]; i++)
			cJSON_AddItemToArray(list, cJSON_CreateString(x->list[i]));
	} else if (x->kind == CELL_RATE) {
		json_add_f64(o, key, x->v);
	} else {
		json_add_i64(o, key, (int64_t)x->v);
	}
}

void columns_json(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, cJSON *array)
{
	unsigned list[MANY], k = wanted(list, c);

	for (unsigned r = 0; r < n; r++) {
		cJSON *o = cJSON_CreateObject();
		for (unsigned i = 0; i < k; i++) {
			struct cell x = { 0 };
			cell(&x, rows[r], list[i]);
			json_value(o, c->all[list[i]].csv, &x);
		}
		cJSON_AddItemToArray(array, o);
	}
}

void entry_apart_text(const struct text *t, const char *id, const char *name, const char *status, const char *why, const char *const *instead)
{
	char line[600], list[300];

	text_paint(t, BOLD, "%s", id);
	fprintf(t->out, "  %s, %s\n", name, status);
	if (why)
		text_wrap(t, "    ", 4, why);
	if (!instead[0])
		return;
	join(list, sizeof list, instead, ", ");
	snprintf(line, sizeof line, "there is: %s", list);
	text_wrap(t, "    ", 4, line);
}
