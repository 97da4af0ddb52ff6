/* csv.c - the reader of comma-separated files */
#include "base/csv.h"

#include "../tap.h"

static int parse(struct csv *c, struct arena *a, const char *s, struct error *e)
{
	/* a block of just the size, so that a sanitizer sees a byte read beyond it */
	size_t n = strlen(s);
	char *exact = malloc(n ? n : 1);
	int rc = exact ? csv_parse(c, a, "t.csv", memcpy(exact, s, n), n, e) : E_NOMEM;

	free(exact);
	return rc;
}

/* Rows are counted ahead by their newlines: nothing else may end one, or they are written beyond their array. */
static void line_ends(void)
{
	enum { N = 200000 };
	struct arena a = { 0 };
	struct error e;
	struct csv c;
	char *s = malloc(N);

	ok(parse(&c, &a, "a,b\n1,2\n3\r4,5\n", &e) == E_FILE && strstr(e.text, "t.csv:3: ") && strstr(e.text, "carriage return"),
		"a carriage return alone: %s", e.text);
	ok(parse(&c, &a, "a\rb\n", &e) == E_FILE && strstr(e.text, "t.csv:1: "), "in the header: %s", e.text);
	ok(parse(&c, &a, "a\n\"x\"\r1\n", &e) == E_FILE && strstr(e.text, "t.csv:2: "), "behind a quote: %s", e.text);
	ok(parse(&c, &a, "a\r\r\n1\n", &e) == E_FILE, "two of them: %s", e.text);
	ok(parse(&c, &a, "a,b\r\n1,\"x\ry\"\r", &e) == OK && c.n_rows == 1 && !strcmp(csv_get(&c, 0, "b"), "x\ry"),
		"inside quotes, and as the last byte of all");
	if (s) {
		for (unsigned i = 0; i < N; i++)
			s[i] = i % 2 ? '\r' : 'a';
		ok(csv_parse(&c, &a, "t.csv", s, N, &e) == E_FILE, "a file of nothing but them: %s", e.text);
	}
	free(s);
	arena_free(&a);
}

static void limits(void)
{
	enum { ROWS = CSV_CELLS / 8 };
	struct arena a = { 0 };
	struct error e;
	struct csv c;
	size_t n = 16 + ROWS;
	char *s = malloc(n + 1), line[64], *p = line;

	for (int i = 1; i < CSV_COLUMNS; i++)
		p += sprintf(p, ",");
	strcpy(p, "");
	ok(parse(&c, &a, line, &e) == OK && c.n_columns == CSV_COLUMNS && c.n_rows == 0, "%d columns, no row", CSV_COLUMNS);
	if (s) {
		memset(s, '\n', n);
		memcpy(s, "a,b,c,d,e,f,g,h", 15);
		ok(csv_parse(&c, &a, "t.csv", s, n - 1, &e) == OK && c.n_rows == 0, "%d empty lines of 8 columns", ROWS - 2);
		arena_free(&a);
		ok(csv_parse(&c, &a, "t.csv", s, n, &e) == E_FILE && strstr(e.text, "t.csv: ") && strstr(e.text, "4194304 cells") &&
			a.bytes < (1 << 20), "one more asks for too much memory: %s", e.text);
	}
	free(s);
	arena_free(&a);
}

/* Each chunk of memory in turn is refused. */
static void no_memory(void)
{
	struct arena a = { 0 };
	struct error e;
	struct csv c;
	char *s = malloc(100000), *p = s;
	int rc = E_NOMEM, i;

	p += sprintf(p, "a,b\n");
	for (unsigned k = 0; k < 8000; k++)
		p += sprintf(p, "%u,\"x\"\n", k);
	for (i = 0; rc == E_NOMEM && i < 20; i++) {
		arena_fail_after(i);
		rc = parse(&c, &a, s, &e);
		arena_fail_after(-1);
		if (rc != OK)
			arena_free(&a);
	}
	ok(rc == OK && i > 2 && c.n_rows == 8000 && !strcmp(csv_get(&c, 7999, "a"), "7999"), "out of memory %d times, then read", i - 1);
	arena_free(&a);
	free(s);
}

int main(void)
{
	struct arena a = { 0 };
	struct error e;
	struct csv c;

	line_ends();
	limits();
	no_memory();
	ok(parse(&c, &a, "a,b,c\n1,\"x, y\",3\n\n4,\"say \"\"hi\"\"\",\n", &e) == OK, "a file with quotes");
	is_u64(c.n_rows, 2, "an empty line is no row");
	is_str(csv_get(&c, 0, "b"), "x, y", "a comma inside quotes");
	is_str(csv_get(&c, 1, "b"), "say \"hi\"", "doubled quotes");
	is_str(csv_get(&c, 1, "c"), "", "an empty cell");
	is_str(csv_get(&c, 0, "nope"), "", "no such column");
	is_u64(c.line[1], 4, "the line of a row");
	ok(parse(&c, &a, "a,b\r\n1,2\r\n", &e) == OK && !strcmp(csv_get(&c, 0, "b"), "2"), "carriage returns");
	ok(parse(&c, &a, "a,b\n1", &e) == OK && !strcmp(csv_get(&c, 0, "b"), ""), "a short last row without a newline");
	ok(parse(&c, &a, "a\n\"two\nlines\"\nx\n", &e) == OK && c.line[1] == 4, "a newline inside quotes counts");
	ok(parse(&c, &a, "a,b\n1,2,3\n", &e) == E_FILE && strstr(e.text, "t.csv:2"), "too many cells: %s", e.text);
	ok(parse(&c, &a, "a\n\"open\n", &e) == E_FILE && strstr(e.text, "never closed"), "an open quote: %s", e.text);
	ok(parse(&c, &a, "a\n\"x\"\"", &e) == E_FILE && strstr(e.text, "never closed"), "a doubled quote does not close: %s", e.text);
	ok(parse(&c, &a, "a\n\"x\"\"\"", &e) == OK && !strcmp(csv_get(&c, 0, "a"), "x\""), "a third one does");
	ok(parse(&c, &a, "a,b,c,d\n1,2\n3,4,5,6\n", &e) == OK && !strcmp(csv_get(&c, 0, "a"), "1") &&
		!strcmp(csv_get(&c, 0, "b"), "2") &&
		!*csv_get(&c, 0, "c") && !*csv_get(&c, 0, "d") && !strcmp(csv_get(&c, 1, "d"), "6"), "what a short row has, and has not");
	ok(parse(&c, &a, "a\n\"x\"y\n", &e) == E_FILE, "text after a quote: %s", e.text);
	ok(parse(&c, &a, "", &e) == E_FILE, "nothing at all: %s", e.text);
	ok(csv_parse(&c, &a, "t.csv", "a\0b", 3, &e) == E_FILE, "a NUL byte: %s", e.text);
	ok(csv_parse(&c, &a, "t.csv", NULL, 0, &e) == E_FILE, "no bytes: %s", e.text);
	ok(csv_parse(&c, &a, "t.csv", "a\nxyz", 3, &e) == OK && !strcmp(csv_get(&c, 0, "a"), "x"), "n bytes and not one more are read");
	ok(parse(&c, &a, "\xef\xbb\xbfid,b\n1,2\n", &e) == OK && csv_column(&c, "id") == 0, "a byte order mark is no part of a name");
	ok(parse(&c, &a, "\xef\xbb\xbf", &e) == E_FILE && strstr(e.text, "no header"), "and no header: %s", e.text);
	ok(parse(&c, &a, "\na,b\n1,2\n", &e) == E_FILE && strstr(e.text, "t.csv:1: no header"), "an empty first line: %s", e.text);
	ok(parse(&c, &a, "a,b\n", &e) == OK && c.n_rows == 0 && csv_column(&c, "b") == 1 && csv_column(&c, "B") == -1, "a header alone");
	ok(parse(&c, &a, "a,a\n1,2\n", &e) == OK && csv_column(&c, "a") == 0, "of two columns of one name the first");
	ok(parse(&c, &a, "a,b\n,\n", &e) == OK && c.n_rows == 1 && !*csv_get(&c, 0, "a"), "a row of empty cells is a row");
	ok(parse(&c, &a, "a,b\n1,x \"y\"\n", &e) == OK && !strcmp(csv_get(&c, 0, "b"), "x \"y\""), "a quote inside a plain cell stays");
	ok(parse(&c, &a, "\"a \"\"q\"\"\",\"b,c\"\n1,2\n", &e) == OK && csv_column(&c, "a \"q\"") == 0 && csv_column(&c, "b,c") == 1,
		"quotes in the header");
	ok(parse(&c, &a, "a,b\n1,\n2,\"\"\n\"\n\",3,4\n", &e) == E_FILE && strstr(e.text, "t.csv:4: more cells than the 2 columns"),
		"the line of a row that is too long is where it began: %s", e.text);
	ok(parse(&c, &a, "a\n1\n\"two\n\nopen", &e) == E_FILE && strstr(e.text, "t.csv:3: "), "an open quote's line: %s", e.text);
	char wide[CSV_COLUMNS * 2 + 8];
	memset(wide, ',', sizeof wide);
	ok(csv_parse(&c, &a, "t.csv", wide, sizeof wide, &e) == E_FILE, "too many columns: %s", e.text);
	arena_free(&a);
	return done_testing();
}
