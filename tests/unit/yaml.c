/* yaml.c - the tree and its lines, what is refused, and the strict readers */
#include "../tap.h"

#include "base/yaml.h"

#include <unistd.h>

static int parse(struct ydoc *d, struct arena *a, const char *s, struct error *e)
{
	/* a block of just the size, so that a sanitizer sees a byte read beyond it */
	size_t n = strlen(s);
	char *exact = malloc(n ? n : 1);
	int rc = exact ? yaml_parse(d, a, "t.yaml", memcpy(exact, s, n), n, e) : E_NOMEM;

	free(exact);
	return rc;
}

static void tree(void)
{
	struct arena a = { 0 };
	struct error e;
	struct ydoc d;
	struct ynode *n;

	if (!ok(parse(&d, &a, "# head\na: 1\nb:\n  - x\n  - 'y: z'\n  - {c: [1, 2], d: }\ne: |\n  two\n  lines\nf: [1,\n  2]\n",
		&e) == OK, "a document"))
		return;
	ok(d.root->kind == YAML_MAP && d.root->n == 4 && !d.root->key, "a map of four");
	n = yaml_get(d.root, "a");
	ok(n && n->kind == YAML_SCALAR && !strcmp(n->text, "1") && n->n == 1 && n->line == 2 && !n->quoted && !strcmp(n->key, "a"),
		"a scalar");
	n = yaml_get(d.root, "b");
	ok(n && n->kind == YAML_SEQ && n->n == 3 && n->line == 3 && !n->text, "a list; its line is its key's");
	ok(n->child->line == 4 && !n->child->key && !strcmp(n->child->text, "x"), "its first item");
	ok(n->child->next->quoted && !strcmp(n->child->next->text, "y: z") && n->child->next->line == 5, "a quoted one");
	n = n->child->next->next;
	ok(n->kind == YAML_MAP && n->n == 2 && !n->next, "a map in flow style");
	ok(yaml_get(n, "c")->n == 2 && yaml_get(n, "d")->text && !*yaml_get(n, "d")->text && yaml_get(n, "d")->n == 0,
		"a list in it, and an empty value");
	n = yaml_get(d.root, "e");
	is_str(n->text, "two\nlines\n", "a block of text");
	is_u64(n->line, 7, "begins where its key stands");
	n = yaml_get(d.root, "f")->child->next;
	is_u64(n->line, 11, "a list over two lines");
	ok(!yaml_get(d.root, "z") && !yaml_get(NULL, "a") && !yaml_get(n, "a"), "no such key, no map, not a map");
	ok(parse(&d, &a, "just text", &e) == OK && d.root->kind == YAML_SCALAR, "a lone scalar");
	ok(parse(&d, &a, "---\na: \xc3\x97\n...\n", &e) == OK && !strcmp(d.root->child->text, "\xc3\x97"),
		"marks of a document, UTF-8");
	ok(parse(&d, &a, "\xef\xbb\xbf" "a: 1\n", &e) == OK && !strcmp(d.root->child->key, "a"), "a byte order mark");
	ok(parse(&d, &a, "%YAML 1.1\n---\na: 1\n", &e) == OK, "the version of YAML");
	ok(parse(&d, &a, "a: 1\r\nb: 2\r\n", &e) == OK && d.root->child->next->line == 2 && !strcmp(d.root->child->text, "1"),
		"carriage returns");
	arena_free(&a);
}

static void refusals(void)
{
	static const struct { const char *s, *at, *why; } bad[] = {
		{ "", "t.yaml: ", "empty" }, { "# only a remark\n", "t.yaml: ", "empty" }, { "---\n...\n", NULL, NULL },
		{ "a: 1\nb: &x 2\n", "t.yaml:2: ", "anchors" }, { "a: &x [1]\n", "t.yaml:1: ", "anchors" },
		{ "a: &x {b: 1}\n", "t.yaml:1: ", "anchors" },
		{ "a: 1\n\nb: *x\n", "t.yaml:3: ", "alias" }, { "- *x\n", "t.yaml:1: ", "alias" }, { "*x : 1\n", "t.yaml:1: ", "key" },
		{ "a: !!int 3\n", "t.yaml:1: ", "tags" }, { "a: ! 'x'\n", "t.yaml:1: ", "tags" }, { "a: !mine [1]\n", "t.yaml:1: ", "tags" },
		{ "a: !mine {b: 1}\n", "t.yaml:1: ", "tags" }, { "&k a: 1\n", "t.yaml:1: ", "anchors" },
		{ "!!str a: 1\n", "t.yaml:1: ", "tags" },
		{ "%TAG !e! tag:e,2000:\n---\na: 1\n", "t.yaml:", "tags" },
		{ "a: 1\nb: 2\na: 3\n", "t.yaml:3: ", "a: given twice, first in line 1" },
		{ "x: {a: 1, 'a': 2}\n", "t.yaml:1: ", "given twice" },
		{ "a:\n  b: 1\n  c:\n    d: 1\n  b: 1\n", "t.yaml:5: ", "b: given twice, first in line 2" },
		{ "a:\n  x: 1\nb: 1\na:\n  x: 1\n", "t.yaml:4: ", "a: given twice, first in line 1" },
		{ "? [a]\n: 1\n", "t.yaml:1: ", "key" }, { "? {a: b}\n: 1\n", "t.yaml:1: ", "key" }, { "a: 1\n: 2\n", "t.yaml:2: ", "key" },
		{ "a: 1\n---\nb: 2\n", "t.yaml:2: ", "second document" }, { "a: [1\nb: 2\n", "t.yaml:", "not valid YAML" },
		{ "a: \"open\n", "t.yaml:", "not valid YAML" }, { "a: 1\n  b: 2\n", "t.yaml:2: ", "not valid YAML" },
		{ "a:\n\t- 1\n", "t.yaml:2: ", "not valid YAML" },
		{ "a: 1\nb: \xff\n", "t.yaml:2: ", "UTF-8" }, { "a: \xc0\x80\n", "t.yaml:1: ", "" },
		{ "a: \xed\xa0\x80\n", "t.yaml:1: ", "" },
		{ "a: 1\nb: \x01\n", "t.yaml:2: ", "" }, { "a: \"x\\0y\"\n", "t.yaml:1: ", "NUL" }, { "\"x\\0y\": 1\n", "t.yaml:1: ", "NUL" },
		{ "a: b: c\n", "t.yaml:1: ", "" }, { "- a\nb: 1\n", "t.yaml:", "" }, { "{a: 1}}\n", "t.yaml:1: ", "" },
		{ "a: @x\n", "t.yaml:1: ", "" }, { "\n\na: \xff\n", "t.yaml:3: ", "UTF-8" }, { "\n\xff", "t.yaml:2: ", "UTF-8" },
		{ "a: 1\n'': 2\n", "t.yaml:2: ", "a key must be a word" }, { "{\"\": 1}\n", "t.yaml:1: ", "a key must be a word" },
		{ "x: 1\n? \n: 1\n", "t.yaml:2: ", "a key must be a word" }, { "- a\n-\n  - b\n  - ? [c]\n", "t.yaml:4: ", "a key must be" },
		{ "a: 1\n...\nb: 2\n", "t.yaml:", "" }, { "<<: {a: 1}\n<<: {b: 1}\n", "t.yaml:2: ", "<<: given twice" },
		{ "a: >\n  x\n b: 1\n", "t.yaml:", "" }, { "a: 'x' y\n", "t.yaml:1: ", "" }, { "a: \"\\q\"\n", "t.yaml:1: ", "escape" },
		{ "a: \x7f\n", "t.yaml:1: ", "" }, { "x:\n  - a\n  - [1, &y 2]\n", "t.yaml:3: ", "anchors" },
	};
	struct arena a = { 0 };
	struct error e;
	struct ydoc d;

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&e, 0, sizeof e);
		int rc = parse(&d, &a, bad[i].s, &e);
		if (bad[i].at)
			ok(rc == E_CATALOGUE && !strncmp(e.text, bad[i].at, strlen(bad[i].at)) && strstr(e.text, bad[i].why), "refused %u: %s", i,
				e.text);
		else
			ok(rc == OK && d.root->kind == YAML_SCALAR && !*d.root->text, "an empty document with its marks is an empty value");
	}
	ok(yaml_parse(&d, &a, "t.yaml", "a: 1\0b", 6, &e) == E_CATALOGUE, "a NUL byte: %s", e.text);
	ok(yaml_parse(&d, &a, "t.yaml", "\xff\xfe" "a\0:\0 \0001\0", 10, &e) == E_CATALOGUE, "UTF-16: %s", e.text);
	ok(yaml_parse(&d, &a, "t.yaml", "a: 12345", 5, &e) == OK && !strcmp(d.root->child->text, "12"),
		"n bytes and not one more are read");
	arena_free(&a);
}

/* "[[[[...]]]]" or "{a: {a: ..." */
static char *nested(unsigned depth, const char *open, const char *close)
{
	char *s = calloc(depth + 1, strlen(open) + strlen(close) + 1), *p = s;

	for (unsigned i = 0; i < depth; i++)
		p += sprintf(p, "%s", open);
	for (unsigned i = 0; i < depth; i++)
		p += sprintf(p, "%s", close);
	return s;
}

static void limits(void)
{
	struct arena a = { 0 };
	struct error e;
	struct ydoc d;
	char *s = nested(YAML_MAX_DEPTH, "[", "]"), *p;

	ok(parse(&d, &a, s, &e) == OK, "%d deep", YAML_MAX_DEPTH);
	free(s);
	s = nested(YAML_MAX_DEPTH + 1, "[", "]");
	ok(parse(&d, &a, s, &e) == E_CATALOGUE && strstr(e.text, "t.yaml:1: nested deeper than 32"), "one deeper: %s", e.text);
	free(s);
	s = nested(YAML_MAX_DEPTH + 1, "{a: ", "}");
	ok(parse(&d, &a, s, &e) == E_CATALOGUE && strstr(e.text, "nested deeper"), "maps too: %s", e.text);
	free(s);
	s = nested(20000, "- ", "");
	ok(parse(&d, &a, s, &e) == E_CATALOGUE, "20000 deep: %s", e.text);
	free(s);

	s = calloc(YAML_MAX_NODES + 8, 2);
	p = s;
	*p++ = '[';
	for (int i = 1; i < YAML_MAX_NODES; i++)
		p += sprintf(p, "1,");
	strcpy(p, "]");
	ok(parse(&d, &a, s, &e) == OK && d.root->n == YAML_MAX_NODES - 1, "%d values, the list among them", YAML_MAX_NODES);
	strcpy(p, "1]");
	ok(parse(&d, &a, s, &e) == E_CATALOGUE && strstr(e.text, "more than 200000"), "one more: %s", e.text);
	free(s);

	/* both ways of finding a key twice, either side of where the other begins; and a map that takes long by pairs */
	for (unsigned n = 46; n <= 150000; n = n < 50 ? n + 1 : n * 55) {
		p = s = malloc((size_t)n * 12 + 64);
		for (unsigned i = 0; i < n; i++)
			p += sprintf(p, "k%u: 1\n", i * 7919 % n);
		arena_reset(&a);
		ok(parse(&d, &a, s, &e) == OK && d.root->n == n, "%u keys", n);
		strcpy(p, "k0: 1\nk1: 1\n");
		char want[64];
		snprintf(want, sizeof want, "t.yaml:%u: k0: given twice, first in line 1", n + 1);
		ok(parse(&d, &a, s, &e) == E_CATALOGUE && !strcmp(e.text, want), "and the first one again: %s", e.text);
		free(s);
	}
	arena_free(&a);
}

/* Each chunk of memory in turn is refused: E_NOMEM every time, and in the end it is done. */
static void no_memory(void)
{
	struct arena a = { 0 };
	struct error e;
	struct ydoc d;
	char *s = malloc(200000), *p = s;
	int rc = E_NOMEM, i;

	for (unsigned k = 0; k < 5000; k++)
		p += sprintf(p, "k%u: [a, {b: c}]\n", k);
	for (i = 0; rc == E_NOMEM && i < 100; i++) {
		arena_fail_after(i);
		rc = parse(&d, &a, s, &e);
		arena_fail_after(-1);
		arena_free(&a);
	}
	ok(rc == OK && i > 4, "out of memory %d times, then read", i - 1);
	free(s);
}

static void readers(void)
{
	static const char *const colours[] = { "red", "green", NULL };
	static const char *const many[] = { "one", "two", "three", "a-name-of-forty-letters-for-the-list-0001",
		"a-name-of-forty-letters-for-the-list-0002", "a-name-of-forty-letters-for-the-list-0003",
		"a-name-of-forty-letters-for-the-list-0004", "a-name-of-forty-letters-for-the-list-0005",
		"a-name-of-forty-letters-for-the-list-0006", "a-name-of-forty-letters-for-the-list-0007", NULL };
	struct arena a = { 0 };
	struct error e = { 0 };
	struct ydoc d;
	const char *s = "untouched";
	uint64_t v = 99;
	uint32_t u = 99;
	uint8_t b = 99;
	double f = 99;

	if (!ok(parse(&d, &a,
		"n: 42\nbig: 18446744073709551615\nover: 18446744073709551616\nneg: -1\nhalf: 1.5\nword: some words\nt: true\nf: false\n"
	                      "yes: yes\ncol: green\nlist: [1, 2]\nmap: {x: 1}\nu33: 4294967296\nnan: .nan\nempty:\n", &e) == OK,
		"a document"))
		return;
	ok(yaml_u64(&v, &d, d.root, "none", 0, 9, YAML_OPTIONAL, &e) == OK && v == 99, "absent: untouched");
	ok(yaml_u64(&v, &d, d.root, "none", 0, 9, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "t.yaml:1: none: missing"),
		"needed: %s", e.text);
	ok(yaml_u64(&v, &d, NULL, "none", 0, 9, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "t.yaml: none: missing"),
		"in nothing: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "n", 42, 42, YAML_NEED, &e) == OK && v == 42, "a number");
	ok(yaml_u64(&v, &d, d.root, "n", 43, 50, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text,
		"t.yaml:1: n: 42 is not between 43 and 50"), "below: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "n", 0, 41, YAML_NEED, &e) == E_CATALOGUE && v == 42, "above: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "big", 0, UINT64_MAX, YAML_NEED, &e) == OK && v == UINT64_MAX, "64 bits");
	ok(yaml_u64(&v, &d, d.root, "over", 0, UINT64_MAX, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "t.yaml:3: over: "),
		"65 bits: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "neg", 0, UINT64_MAX, YAML_NEED, &e) == E_CATALOGUE, "negative: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "half", 0, UINT64_MAX, YAML_NEED, &e) == E_CATALOGUE, "a fraction: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "empty", 0, UINT64_MAX, YAML_OPTIONAL, &e) == E_CATALOGUE, "nothing behind the key: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "list", 0, UINT64_MAX, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "single value"),
		"a list: %s", e.text);
	ok(yaml_u32(&u, &d, d.root, "u33", 0, UINT32_MAX, YAML_NEED, &e) == E_CATALOGUE && u == 99, "33 bits: %s", e.text);
	ok(yaml_u32(&u, &d, d.root, "n", 0, 50, YAML_NEED, &e) == OK && u == 42 && yaml_u32(&u, &d, d.root, "none", 0, 9, 0,
		&e) == OK && u == 42, "32 bits");
	ok(yaml_f64(&f, &d, d.root, "half", YAML_NEED, &e) == OK && f == 1.5, "a fraction");
	ok(yaml_f64(&f, &d, d.root, "nan", YAML_NEED, &e) == E_CATALOGUE && f == 1.5 && strstr(e.text, "not .nan"),
		"not a number: %s", e.text);
	ok(yaml_f64(&f, &d, d.root, "map", YAML_NEED, &e) == E_CATALOGUE && f == 1.5, "a map: %s", e.text);
	ok(yaml_f64(&f, &d, d.root, "none", YAML_OPTIONAL, &e) == OK && f == 1.5, "absent");
	ok(yaml_bool(&b, &d, d.root, "t", YAML_NEED, &e) == OK && b == 1 && yaml_bool(&b, &d, d.root, "f", YAML_NEED, &e) == OK &&
		b == 0, "true and false");
	ok(yaml_bool(&b, &d, d.root, "yes", YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "not yes"), "yes is not true: %s", e.text);
	ok(yaml_enum(&b, &d, d.root, "col", colours, YAML_NEED, &e) == OK && b == 1, "one of a list");
	ok(yaml_enum(&b, &d, d.root, "word", colours, YAML_NEED, &e) == E_CATALOGUE && b == 1 && strstr(e.text,
		"word: some words is none of red, green"), "none of it: %s", e.text);
	ok(yaml_str(&s, &d, d.root, "word", YAML_NEED, &e) == OK && !strcmp(s, "some words"), "words");
	ok(yaml_str(&s, &d, d.root, "map", YAML_NEED, &e) == E_CATALOGUE && !strcmp(s, "some words"), "a map is none: %s", e.text);
	ok(yaml_str(&s, &d, d.root, "none", YAML_OPTIONAL, &e) == OK && !strcmp(s, "some words"), "absent words");
	ok(yaml_bool(&b, &d, d.root, "list", YAML_NEED, &e) == E_CATALOGUE && yaml_enum(&b, &d, d.root, "map", colours, YAML_NEED,
		&e) == E_CATALOGUE && b == 1, "a list is neither true nor a colour: %s", e.text);
	ok(yaml_bool(&b, &d, d.root, "none", YAML_OPTIONAL, &e) == OK && yaml_enum(&b, &d, d.root, "none", colours, YAML_OPTIONAL,
		&e) == OK && b == 1, "absent ones");
	ok(yaml_enum(&b, &d, d.root, "none", colours, YAML_NEED, &e) == E_CATALOGUE && strstr(e.text, "none: missing"),
		"needed: %s", e.text);
	ok(yaml_enum(&b, &d, d.root, "col", many, YAML_NEED, &e) == E_CATALOGUE &&
		strstr(e.text, "t.yaml:10: col: green is none of one, two, three, ") && strlen(e.text) < 400, "a long list is cut: %s", e.text);
	ok(yaml_want(&d, yaml_get(d.root, "list"), YAML_SEQ, &e) == OK, "a list is wanted and there");
	ok(yaml_want(&d, yaml_get(d.root, "list"), YAML_MAP, &e) == E_CATALOGUE && strstr(e.text, "t.yaml:11: list: wants a map"),
		"a map is wanted: %s", e.text);
	ok(yaml_want(&d, NULL, YAML_MAP, &e) == E_CATALOGUE, "nothing is not a map: %s", e.text);
	ok(yaml_node_u64(&v, &d, yaml_get(d.root, "list")->child, 1, 1, &e) == OK && v == 1, "an item as a number");
	ok(yaml_node_f64(&f, &d, yaml_get(d.root, "list")->child->next, &e) == OK && f == 2, "and as a fraction");
	ok(yaml_node_u64(&v, &d, d.root, 0, 9, &e) == E_CATALOGUE && yaml_node_f64(&f, &d, d.root, &e) == E_CATALOGUE,
		"a map as a number: %s", e.text);
	ok(yaml_fail(&d, NULL, &e, "%d", 7) == E_CATALOGUE && !strcmp(e.text, "t.yaml: 7"), "a failure without a node");
	ok(yaml_fail(&d, yaml_get(d.root, "t"), NULL, "%d", 7) == E_CATALOGUE, "and without a struct error");
	arena_free(&a);
}

static void leftovers(void)
{
	struct arena a = { 0 };
	struct error e = { 0 };
	struct ydoc d;
	uint64_t v;

	if (!ok(parse(&d, &a, "a: 1\nb: {c: 1, d: 2}\ntypo: 1\n", &e) == OK, "a document"))
		return;
	ok(yaml_finish(&d, d.root, &e) == E_CATALOGUE && strstr(e.text, "t.yaml:1: a: no such key"), "nothing was read: %s", e.text);
	ok(yaml_u64(&v, &d, d.root, "a", 0, 9, YAML_NEED, &e) == OK && yaml_get(d.root, "b") && yaml_finish(&d, d.root,
		&e) == E_CATALOGUE &&
	   strstr(e.text, "t.yaml:3: typo: no such key"), "a key that nobody reads: %s", e.text);
	ok(yaml_get(d.root, "typo") && yaml_finish(&d, d.root, &e) == OK, "levels below are finished by their own readers");
	ok(yaml_finish(&d, yaml_get(d.root, "b"), &e) == E_CATALOGUE, "which this one is not: %s", e.text);
	yaml_use_all(d.root);
	ok(yaml_finish(&d, yaml_get(d.root, "b"), &e) == OK, "all marked");
	ok(yaml_finish(&d, NULL, &e) == OK && yaml_finish(&d, d.root->child, &e) == OK, "nothing, and a scalar, are finished");
	arena_free(&a);
}

static void loading(void)
{
	char name[] = "/tmp/ullage-yaml-XXXXXX";
	struct arena a = { 0 };
	struct error e;
	struct ydoc d;
	int fd = mkstemp(name);

	ok(fd >= 0 && write(fd, "a: 1\nb", 6) == 6 && close(fd) == 0, "a file is written");
	ok(yaml_load(&d, &a, name, &e) == E_CATALOGUE && strstr(e.text, name) && strstr(e.text, ":2: "),
		"an error names file and line: %s", e.text);
	ok(truncate(name, 4) == 0 && yaml_load(&d, &a, name, &e) == OK && !strcmp(d.file, name) && !strcmp(d.root->child->text, "1"),
		"a file is read");
	ok(truncate(name, (16 << 20) + 1) == 0 && yaml_load(&d, &a, name, &e) == E_FILE && strstr(e.text, "16777217"),
		"over 16 MiB: %s", e.text);
	unlink(name);
	ok(yaml_load(&d, &a, name, &e) == E_FILE && strstr(e.text, name), "no such file: %s", e.text);
	arena_free(&a);
}

int main(void)
{
	tree();
	refusals();
	limits();
	no_memory();
	readers();
	leftovers();
	loading();
	return done_testing();
}
