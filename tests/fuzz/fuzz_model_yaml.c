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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "id", "name", "aliases", "status", "family", "released", "licence", "repos", NULL };
	struct model_entry cut_out, head, e;
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
	}
	arena_free(&a);
	return 0;
}
