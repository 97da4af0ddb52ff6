/* cmd_show.c - ullage show: one model with licence, sizes and KV cache */
#include "base/json.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"

#include <string.h>

static void list(const struct text *t, const char *name, const char *const *items)
{
	char line[1024];
	size_t used = 0;

	if (!items[0])
		return;
	for (unsigned i = 0; items[i] && used < sizeof line; i++)
		used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? ", " : "", items[i]);
	fprintf(t->out, "%-14s", name);
	text_wrap(t, "", 14, line);
}
static void fact(const struct text *t, const char *name, const char *value)
{
	if (value)
		fprintf(t->out, "%-14s%s\n", name, value);
}

/* One line a layer kind: what it is made of and how many there are. */
static void kinds(const struct text *t, const struct model_spec *m)
{
	for (unsigned k = 0; k < m->n_kinds; k++) {
		unsigned n = 0;
		char line[256];
		size_t used = 0;
		for (uint32_t i = 0; i < m->n_layers; i++)
			n += m->kind_of[i] == k;
		if (!n)
			continue;
		for (unsigned b = 0; b < m->kinds[k].n_branches; b++)
			for (unsigned p = 0; p < m->kinds[k].branch[b].n_parts && used < sizeof line; p++) {
				const struct part *part = &m->parts[m->kinds[k].branch[b].part[p]];
				used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", used ? p ? " + " : ", " : "", part_type_names[part->type]);
				if (part->type == PART_GQA && used < sizeof line)
					used += (size_t)snprintf(line + used, sizeof line - used, " %u:%u x %u%s", part->u.gqa.q_heads, part->u.gqa.kv_heads, part->u.gqa.k_dim,
						part->u.gqa.own == REUSE_LAST ? " (no cache of its own)" : "");
				if (part->type == PART_GQA && part->u.gqa.span_tokens && used < sizeof line)
					used += (size_t)snprintf(line + used, sizeof line - used, " %s %u", span_names[part->u.gqa.span], part->u.gqa.span_tokens);
				if (part->type == PART_MLP && used < sizeof line)
					used += (size_t)snprintf(line + used, sizeof line - used, " %u", part->u.mlp.width);
				if (part->type == PART_MOE && used < sizeof line)
					used += (size_t)snprintf(line + used, sizeof line - used, " %u of %u x %u", part->u.moe.per_token, part->u.moe.experts, part->u.moe.width);
				if (part->type == PART_MLA && used < sizeof line)
					used += (size_t)snprintf(line + used, sizeof line - used, " %u + %u", part->u.mla.kv_rank, part->u.mla.rope_dim);
			}
		fprintf(t->out, "%4u x %-8s %s\n", n, m->kinds[k].name ? m->kinds[k].name : "", n ? line : "");
	}
}

struct size_row { const struct recipe *r; uint64_t file, weights; uint8_t low_high; uint64_t low, high; };

/* Every recipe that applies: those whose row lengths fail are left out. */
static int sizes(struct size_row *out, unsigned *n, unsigned max, const struct model_spec *m, const struct quants *q, struct settings set, struct arena *a)
{
	*n = 0;
	for (unsigned i = 0; i < q->n_recipes && *n < max; i++) {
		struct footprint f;
		uint64_t w = 0;
		set.recipe = &q->recipes[i];
		settings_recipe(&set, set.recipe);
		if (set.recipe->dynamic || footprint_compute(&f, m, q, &set, a, NULL) != OK)
			continue;
		for (unsigned u = 0; u < USES; u++)
			w += f.weights[COMP_TEXT][u];
		out[(*n)++] = (struct size_row){ .r = set.recipe, .file = f.file_bytes, .weights = w };
	}
	return OK;
}

int cmd_show(struct options *o, struct error *err)
{
	static const char *const usual[] = { "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "iq4_xs", "q3_k_m", "iq3_xxs", "q2_k", "fp8", "fp8_block128", "awq_g128", "nvfp4", "mlx_4bit", NULL };
	struct catalog *c = NULL;
	const struct model_entry *e;
	struct arena a = { 0 };
	struct size_row rows[96];
	struct settings set;
	struct counts n;
	unsigned n_rows = 0;
	char b[32], k[32];
	int rc;

	if (o->csv)
		return error_set(err, E_USAGE, "show has no table of rows: --json, or models --csv");
	if (o->n_args != 1)
		return error_set(err, E_USAGE, "show wants one MODEL, not %d", o->n_args);
	if ((rc = catalog_open(&c, o->program, err)) != OK || (rc = catalog_model(&e, c, o->args[0], err)) != OK || (rc = settings_from(&set, o, c, err)) != OK)
		goto out;
	const struct quants *q = catalog_quants(c);
	const struct model_spec *m = e->spec;
	struct cache_bytes cache = { 0 };
	if (m && ((rc = inventory_counts(&n, m, q, err)) != OK || (rc = sizes(rows, &n_rows, 96, m, q, set, &a)) != OK || (rc = cache_compute(&cache, m, q, &set, &a, err)) != OK))
		goto out;
	if (o->json) {
		cJSON *doc = answer_document(), *x = json_add_object(doc, "model"), *l;
		json_add_str(x, "id", e->id);
		json_add_str(x, "name", e->name);
		json_add_str(x, "family", e->family);
		json_add_str(x, "vendor", e->vendor);
		json_add_str(x, "country", e->country);
		json_add_str(x, "licence", e->licence);
		json_add_str(x, "status", status_names[e->status]);
		json_add_str(x, "released", e->released);
		l = json_add_array(x, "instead");
		for (unsigned i = 0; e->instead[i]; i++)
			cJSON_AddItemToArray(l, cJSON_CreateString(e->instead[i]));
		if (m) {
			json_add_str(x, "architecture", m->architecture);
			json_add_u64(x, "params_total", n.total);
			json_add_u64(x, "params_active", n.active);
			json_add_u64(x, "params_mtp", n.mtp);
			json_add_u64(x, "layers", m->n_layers);
			json_add_u64(x, "context_native", m->context_native);
			json_add_u64(x, "context_max", m->context_max);
			l = json_add_array(doc, "sizes");
			for (unsigned i = 0; i < n_rows; i++) {
				cJSON *s = cJSON_CreateObject();
				json_add_str(s, "quant", rows[i].r->name);
				json_add_str(s, "packing", packing_names[rows[i].r->packing]);
				json_add_u64(s, "weights_bytes", rows[i].weights);
				json_add_u64(s, "file_bytes", rows[i].file);
				cJSON_AddItemToArray(l, s);
			}
			x = json_add_object(doc, "kv_cache");
			json_add_str(x, "engine", set.engine->id);
			json_add_u64(x, "ctx_tokens", set.ctx_tokens);
			json_add_u64(x, "kv_cache_bytes", cache.kv);
			json_add_u64(x, "state_bytes", cache.state);
		}
		l = json_add_array(doc, "warnings");
		for (unsigned i = 0; m && i < m->n_warnings; i++)
			cJSON_AddItemToArray(l, cJSON_CreateString(m->warnings[i]));
		rc = answer_print(doc, err);
		goto out;
	}
	struct text t;
	text_open(&t, o);
	text_paint(&t, BOLD, "%s", e->name);
	fprintf(t.out, "  (%s)\n", e->id);
	fact(&t, "vendor", e->vendor);
	fact(&t, "licence", e->licence);
	fact(&t, "released", e->released);
	if (e->status != STATUS_OPEN_WEIGHTS)
		fact(&t, "status", status_names[e->status]);
	fact(&t, "why", e->why);
	list(&t, "instead", e->instead);
	list(&t, "modalities", e->modalities);
	if (!m)
		goto out;
	fprintf(t.out, "%-14s%llu (%s)", "parameters", (unsigned long long)n.total, format_count(b, sizeof b, (double)n.total));
	if (n.active < n.total * 7 / 10)
		fprintf(t.out, ", %s active", format_count(b, sizeof b, (double)n.active));
	if (n.mtp)
		fprintf(t.out, ", MTP apart: %s", format_count(b, sizeof b, (double)n.mtp));
	fprintf(t.out, "\n%-14s%s", "context", m->context_native ? format_tokens(b, sizeof b, m->context_native) : "unknown");
	if (m->context_max > m->context_native)
		fprintf(t.out, " native, %s %s%s", format_tokens(b, sizeof b, m->context_max), e->how ? "with " : "at most", e->how ? e->how : "");
	fprintf(t.out, "\n%-14s%s, %u layers of width %u\n", "architecture", m->architecture, m->n_layers, m->width);
	kinds(&t, m);
	fprintf(t.out, "%-14s%s at %s tokens (%s, %s)", "KV cache", format_bytes(b, sizeof b, cache.kv), format_tokens(k, sizeof k, set.ctx_tokens), q->formats[set.kv_k].id, set.engine->name);
	if (cache.state)
		fprintf(t.out, ", state %s a sequence", format_bytes(b, sizeof b, cache.state / set.sequences));
	fputs("\n\n", t.out);
	struct table tab;
	table_init(&tab, 4, 6);
	for (unsigned i = 0; i < 4; i++)
		table_cell(&tab, DIM, "%s", (const char *const[]){ "quantisation", "weights", "bits each", "note" }[i]);
	for (unsigned u = 0; usual[u]; u++)
		for (unsigned i = 0; i < n_rows; i++)
			if (!strcmp(rows[i].r->id, usual[u]) || (m->native_format && u == 0 && !strcmp(rows[i].r->id, m->native_format))) {
				int native = m->native_format && !strcmp(rows[i].r->id, m->native_format);
				if (native && u && strcmp(rows[i].r->id, usual[0]))
					continue;        /* printed first */
				table_cell(&tab, PLAIN, "%s", rows[i].r->name);
				table_cell(&tab, PLAIN, "%s", format_bytes(b, sizeof b, rows[i].weights));
				table_cell(&tab, PLAIN, "%.2f", n.text ? 8.0 * (double)rows[i].weights / (double)n.text : 0);
				table_cell(&tab, PLAIN, "%s%s", native ? "as released; " : "", rows[i].r->quality ? rows[i].r->quality : "");
			}
	table_print(&tab, &t, 1);
	if (!o->quiet)
		for (unsigned i = 0; i < m->n_warnings; i++)
			text_wrap(&t, "note: ", 6, m->warnings[i]);
out:
	arena_free(&a);
	catalog_close(c);
	return rc;
}
