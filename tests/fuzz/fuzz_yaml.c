/* fuzz_yaml.c - any bytes as YAML: the tree is one, and the readers over it neither read what is not there nor fail in silence */
#include "base/str.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk { unsigned nodes; struct ydoc *doc; };

static void scalar(const struct ynode *n, struct walk *w)
{
	struct error err = { 0 };
	uint64_t v;
	double d;

	if (!n->text || n->child || strlen(n->text) != n->n)
		abort();
	for (size_t i = 0, k; i < n->n; i += k)
		if (!(k = str_utf8(n->text + i, n->n - i)))
			abort();
	if (yaml_node_u64(&v, w->doc, n, 10, 1000, &err) == OK ? v < 10 || v > 1000 : !err.text[0])
		abort();
	err.text[0] = 0;
	if (yaml_node_f64(&d, w->doc, n, &err) == OK ? !(d - d == 0) : !err.text[0])
		abort();
}

static void visit(struct ynode *n, unsigned depth, struct walk *w)
{
	struct error err = { 0 };
	unsigned children = 0;

	if (depth > YAML_MAX_DEPTH + 1 || ++w->nodes > YAML_MAX_NODES || n->line == 0 || n->used)
		abort();
	if (n->kind == YAML_SCALAR) {
		scalar(n, w);
		return;
	}
	if (n->text || (n->kind != YAML_MAP && n->kind != YAML_SEQ))
		abort();
	if (n->kind == YAML_MAP && n->child && yaml_finish(w->doc, n, &err) == OK)
		abort();             /* nobody has read it */
	for (struct ynode *c = n->child; c; c = c->next) {
		children++;
		if (!c->key != (n->kind == YAML_SEQ) || c->line < n->line)
			abort();
		visit(c, depth + 1, w);
		if (children < 64 && c->key && yaml_get(n, c->key) != c)
			abort();             /* keys are unique */
	}
	if (children != n->n)
		abort();
	yaml_use_all(n);
	if (yaml_finish(w->doc, n, &err) != OK)
		abort();
	for (struct ynode *c = n->child; c; c = c->next)
		c->used = 0;
	n->used = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct ydoc d;
	struct walk w = { 0, &d };
	int rc = yaml_parse(&d, &a, "fuzz.yaml", data, size, &err);

	if (rc == OK)
		visit(d.root, 1, &w);
	else if (rc != E_CATALOGUE || strncmp(err.text, "fuzz.yaml:", 10))
		abort();
	arena_free(&a);
	return 0;
}
