/* fuzz_model_yaml.c - any bytes as a models.d entry: its head, cut out and whole, the entry, and what the description promises */
#include "catalog/catalog_head.h"
#include "catalog/model_yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What calc/ takes for granted. */
static void check(const struct model_spec *m)
{
	if (!m->id || !m->architecture || !m->width || !m->vocab || m->n_layers < 1 || m->n_layers > MAX_LAYERS)
		abort();
	for (uint32_t l = 0; l < m->n_layers; l++)
		if (m->kind_of[l] >= m->n_kinds)
			abort();
	for (unsigned k = 0; k < m->n_kinds; k++)
		for (unsigned b = 0; b < m->kinds[k].n_branches; b++)
			for (unsigned i = 0; i < m->kinds[k].branch[b].n_parts; i++)
				if (m->kinds[k].branch[b].part[i] >= m->n_parts)
					abort();
	for (unsigned i = 0; i < m->n_parts; i++) {
		const struct part *p = &m->parts[i];

		if (!p->name || p->source >= m->n_sources || p->warning > m->n_warnings)
			abort();
		if (p->type == PART_GQA && (p->u.gqa.q_heads % p->u.gqa.kv_heads || (p->u.gqa.rope != NO_ROPE && p->u.gqa.rope >= m->n_rope)))
			abort();
		if (p->type == PART_MOE && p->u.moe.per_token > p->u.moe.experts)
			abort();
	}
	if (m->mtp.layers && m->mtp.kind >= m->n_kinds)
		abort();
	for (unsigned i = 0; i < m->n_warnings; i++)
		if (!m->warnings[i])
			abort();
	if (model_check(m, E_CATALOGUE, "fuzz.yaml", 1, NULL) != OK)
		abort();
}

/* What is read whole can be read for its shapes, and they are the same. */
static void check_shapes(const struct model_entry *e, struct model_entry *s, struct arena *a, const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct ydoc d;
	int whole;

	if (head_parse(&d, &whole, a, "fuzz.yaml", (const char *)data, size, model_shape_keys, &err) != OK || model_entry_read_shapes(s, a, &d, &err) != OK)
		abort();
	if (strcmp(s->id, e->id) || s->status != e->status || !s->spec != !e->spec || !s->own != !e->own)
		abort();
	if (!e->spec)
		return;
	const struct model_spec *m = e->spec, *n = s->spec;
	if (m->width != n->width || m->vocab != n->vocab || m->n_layers != n->n_layers || m->n_parts != n->n_parts || m->n_kinds != n->n_kinds ||
	    m->context_max != n->context_max || strcmp(m->native_format, n->native_format) || m->n_warnings != n->n_warnings || m->n_encoders != n->n_encoders ||
	    memcmp(m->kind_of, n->kind_of, m->n_layers * sizeof *m->kind_of) || m->tokenizer_bytes.v < n->tokenizer_bytes.v || m->tokenizer_bytes.v > n->tokenizer_bytes.v)
		abort();
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].type != n->parts[i].type || memcmp(&m->parts[i].u, &n->parts[i].u, sizeof m->parts[i].u))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "id", "name", "aliases", "status", "family", "released", "licence", "repos", NULL };
	struct model_entry cut_out, head, e, shapes;
	struct arena a = { 0 };
	struct error err = { 0 };
	struct ydoc d;
	int whole, rc = E_CATALOGUE;

	if (head_parse(&d, &whole, &a, "fuzz.yaml", (const char *)data, size, keys, &err) == OK)
		rc = model_entry_head(&cut_out, &a, &d, &err);
	if (yaml_parse(&d, &a, "fuzz.yaml", data, size, &err) == OK) {
		int first = model_entry_head(&head, &a, &d, &err), full;

		err = (struct error){ 0 };
		full = model_entry_read(&e, &a, &d, &err);
		if (full == OK && (first != OK || strcmp(head.id, e.id) || strcmp(head.name, e.name)))
			abort();             /* what is read whole can be read in part */
		if (full == OK && rc == OK && (strcmp(cut_out.id, e.id) || strcmp(cut_out.name, e.name)))
			abort();             /* and cut out */
		if (full != OK && !err.text[0])
			abort();
		if (full == OK && e.spec)
			check(e.spec);
		if (full == OK)
			check_shapes(&e, &shapes, &a, data, size);
	}
	arena_free(&a);
	return 0;
}
