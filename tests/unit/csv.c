/* csv.c - the reader of comma-separated files */
#include "base/csv.h"

#include "../tap.h"

static int parse(struct csv *c, struct arena *a, const char *s, struct error *e)
{
	return csv_parse(c, a, "t.csv", s, strlen(s), e);
}

int main(void)
{
	struct arena a = { 0 };
	struct error e;
	struct csv c;

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
	ok(parse(&c, &a, "a\n\"x\"y\n", &e) == E_FILE, "text after a quote: %s", e.text);
	ok(parse(&c, &a, "", &e) == E_FILE, "nothing at all: %s", e.text);
	ok(csv_parse(&c, &a, "t.csv", "a\0b", 3, &e) == E_FILE, "a NUL byte: %s", e.text);
	char wide[CSV_COLUMNS * 2 + 8];
	memset(wide, ',', sizeof wide);
	ok(csv_parse(&c, &a, "t.csv", wide, sizeof wide, &e) == E_FILE, "too many columns: %s", e.text);
	arena_free(&a);
	return done_testing();
}
