/* show_text.c - one model, for people */
#include "cli/show.h"

#include "base/units.h"
#include "cli/filter.h"
#include "cli/price_text.h"
#include "cli/text.h"
#include "engine/hyper_arch.h"

#include <string.h>

static const char *joined(char *buf, size_t n, const char *const *items)
{
	size_t used = 0;

	buf[0] = 0;
	for (unsigned i = 0; items[i] && used < n; i++)
		used += (size_t)snprintf(buf + used, n - used, "%s%s", i ? ", " : "", items[i]);
	return buf;
}

/* Appends to a line of n bytes. */
static void __attribute__((format(printf, 3, 4))) add(char *line, size_t n, const char *fmt, ...)
{
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, n - used, fmt, ap);
	va_end(ap);
}

static void gqa(char *l, size_t n, const struct gqa_spec *g)
{
	add(l, n, " %u:%u x %u", g->q_heads, g->kv_heads, g->k_dim);
	if (g->own == REUSE_LAST)
		add(l, n, " (no cache of its own)");
	if (g->span_tokens)
		add(l, n, " %s %u", span_names[g->span], g->span_tokens);
	if (g->index.q_heads)
		add(l, n, " with an index of %u x %u", g->index.q_heads, g->index.dim);
}

static void one_part(char *l, size_t n, const struct part *p)
{
	add(l, n, "%s", part_type_names[p->type]);
	switch ((enum part_type)p->type) {
	case PART_GQA: gqa(l, n, &p->u.gqa); break;
	case PART_MLA: add(l, n, " %u heads, latent %u + %u", p->u.mla.q_heads, p->u.mla.kv_rank, p->u.mla.rope_dim); break;
	case PART_CSA:
		add(l, n, " %u heads, row %u, window %u", p->u.csa.q_heads, p->u.csa.row_dim, p->u.csa.window);
		if (p->u.csa.ratio)
			add(l, n, ", one row for %u tokens", p->u.csa.ratio);
		break;
	case PART_DELTA: add(l, n, " %u:%u x %u", p->u.delta.k_heads, p->u.delta.v_heads, p->u.delta.k_dim); break;
	case PART_MAMBA2: add(l, n, " %u x %u, state %u", p->u.mamba2.heads, p->u.mamba2.head_dim, p->u.mamba2.state); break;
	case PART_CONV: add(l, n, " %u", p->u.conv.kernel); break;
	case PART_MLP: add(l, n, " %u", p->u.mlp.width); break;
	case PART_MOE:
		add(l, n, " %u of %u x %u", p->u.moe.per_token, p->u.moe.experts, p->u.moe.width);
		if (p->u.moe.shared)
			add(l, n, " and %u shared", p->u.moe.shared);
		break;
	case PART_TYPES: break;
	}
}

/* One line a layer kind: what it is made of and how many there are. */
static void kinds(const struct text *t, const struct model_spec *m)
{
	for (unsigned k = 0; k < m->n_kinds; k++) {
		unsigned n = show_layers_of(m, k);
		char line[400] = "";
		if (!n)
			continue;
		for (unsigned b = 0; b < m->kinds[k].n_branches; b++)
			for (unsigned p = 0; p < m->kinds[k].branch[b].n_parts; p++) {
				add(line, sizeof line, "%s", !*line ? "" : p ? " + " : ", ");
				one_part(line, sizeof line, &m->parts[m->kinds[k].branch[b].part[p]]);
			}
		fprintf(t->out, "%4u x %-8s %s\n", n, m->kinds[k].name ? m->kinds[k].name : "", *line ? line : "nothing");
	}
}

static void one_term(const struct text *t, const struct licence_term *x)
{
	char line[600] = "- ", lead[FACT_MARGIN + 1], n[32];

	for (const char *p = licence_rule_names[x->rule]; *p; p++)
		add(line, sizeof line, "%c", *p == '_' ? ' ' : *p);
	if (x->monthly_users)
		add(line, sizeof line, ", above %s monthly users", format_count(n, sizeof n, (double)x->monthly_users));
	if (x->usd_month > 0)
		add(line, sizeof line, ", above %s USD of revenue a month", format_count(n, sizeof n, x->usd_month));
	if (x->usd_year > 0)
		add(line, sizeof line, ", above %s USD of revenue a year", format_count(n, sizeof n, x->usd_year));
	if (x->of_image)
		add(line, sizeof line, ", of use with images");
	if (x->prefix)
		add(line, sizeof line, ", names begin with \"%s\"", x->prefix);
	if (x->note)
		add(line, sizeof line, ": %s", x->note);
	snprintf(lead, sizeof lead, "%*s", (int)FACT_MARGIN, "");
	text_wrap(t, lead, FACT_MARGIN + 2, line);
}

static void licence(const struct text *t, const struct show *s)
{
	const struct licence *l = s->licence;

	if (!l) {
		text_fact(t, "licence", s->e->licence ? s->e->licence : s->e->status == STATUS_OPEN_WEIGHTS ? "unknown" : NULL);
		return;
	}
	text_factf(t, "licence", "%s (%s): commercial use %s%s%s%s", l->name, l->id, commercial_names[l->commercial],
		l->osi_known ? l->osi ? ", approved by the OSI" : ", not approved by the OSI" : "", l->note ? "; " : "", l->note ? l->note : "");
	for (unsigned i = 0; i < l->n_terms; i++)
		one_term(t, &l->terms[i]);
	text_fact(t, "", l->url);
}

static void people(const struct text *t, const struct show *s)
{
	const struct model_entry *e = s->e;
	char b[700];

	text_factf(t, "vendor", "%s%s%s", e->vendor ? e->vendor : "unknown", e->country ? ", " : "", e->country ? e->country : "");
	if (e->status != STATUS_OPEN_WEIGHTS)
		text_fact(t, "status", status_names[e->status]);
	text_fact(t, "why", e->why);
	text_fact(t, "instead", joined(b, sizeof b, e->instead));
	text_fact(t, "released", e->released ? e->released : s->m ? "unknown" : NULL);
	licence(t, s);
	joined(b, sizeof b, e->modalities);
	for (unsigned i = 0; s->m && i < s->m->n_encoders; i++) {
		const struct encoder *x = &s->m->encoders[i];
		char n[32];
		add(b, sizeof b, "; %s encoder of %s parameters", component_names[x->component], format_count(n, sizeof n, (double)x->params));
		if (x->component == COMP_VISION && x->image_tokens)
			add(b, sizeof b, ", %u tokens an image", x->image_tokens);
		else if (x->component == COMP_VISION)
			add(b, sizeof b, ", tokens an image vary or are unknown");
	}
	text_fact(t, "modalities", b);
	text_fact(t, "languages", joined(b, sizeof b, e->languages));
	text_fact(t, "use cases", joined(b, sizeof b, e->use_cases));
}

static void shapes(const struct text *t, const struct show *s)
{
	const struct model_spec *m = s->m;
	char a[32], line[300];

	snprintf(line, sizeof line, "%llu (%s)", (unsigned long long)s->n.total, format_count(a, sizeof a, (double)s->n.total));
	if (s->n.active < s->n.total * 7 / 10)
		add(line, sizeof line, ", %s active", format_count(a, sizeof a, (double)s->n.active));
	if (s->n.mtp)
		add(line, sizeof line, ", MTP apart: %s", format_count(a, sizeof a, (double)s->n.mtp));
	text_fact(t, "parameters", line);
	snprintf(line, sizeof line, "%s", m->context_native ? format_tokens(a, sizeof a, m->context_native) : "unknown");
	if (m->context_max > m->context_native)
		add(line, sizeof line, " native, %s %s%s", format_tokens(a, sizeof a, m->context_max), s->e->how ? "with " : "at most", s->e->how ? s->e->how : "");
	text_fact(t, "context", line);
	text_factf(t, "architecture", "%s, %u layers of width %u", m->architecture, m->n_layers, m->width);
	kinds(t, m);
	if (s->e->same_shapes_as)
		text_factf(t, "", "the same shapes as %s, whose sources hold for them", s->e->same_shapes_as);
}

static void cache(const struct text *t, const struct show *s)
{
	char a[32], b[32], line[400] = "";
	int bounded = 0;

	for (unsigned i = 0; i < SHOW_KV_TYPES; i++) {
		if (s->kv[i].known)
			snprintf(b, sizeof b, "%s", format_bytes(a, sizeof a, s->kv[i].per_1k));
		add(line, sizeof line, "%s%s in %s", i ? ", " : "", s->kv[i].known ? b : "not possible", s->kv[i].type);
	}
	add(line, sizeof line, " for each 1k tokens");
	text_fact(t, "KV cache", line);
	for (unsigned i = 0; i < s->n_spans; i++) {
		const char *what = s->span[i].growth == GROW_WINDOW ? "the last" : s->span[i].growth == GROW_CHUNK ? "a chunk of" : "one row for every";
		bounded |= s->span[i].growth != GROW_RATIO;
		text_factf(t, "", "%u of %u layers keep %s %u tokens", layer_count(&s->span[i].layers), s->m->n_layers, what, s->span[i].tokens);
	}
	if (bounded && s->kv[0].known)
		text_factf(t, "", "%s in all for %s, in f16, however long the context", format_bytes(a, sizeof a, s->kv[0].spans), s->n_spans > 1 ? "windows" : "these");
	snprintf(line, sizeof line, "%s at %s tokens (%s, %s)", format_bytes(a, sizeof a, s->cache.kv), format_tokens(b, sizeof b, s->set.ctx_tokens),
		catalog_quants(s->c)->formats[s->set.kv_k].id, s->set.engine->name);
	if (s->cache.state)
		add(line, sizeof line, ", state %s a sequence", format_bytes(a, sizeof a, s->cache.state / s->set.sequences));
	text_fact(t, "", line);
}

/* "llama.cpp since b4567, vllm since 0.8.5; not by tgi; unknown: mlx" */
static void engines(const struct text *t, const struct model_entry *e)
{
	char yes[300] = "", no[200] = "", open[200] = "", line[720];

	for (unsigned i = 0; i < e->n_engines; i++) {
		const char *k = e->engines[i].key, *v = e->engines[i].value;
		if (!strcmp(k, "ullage"))
			continue;                /* has a line of its own */
		if (!strcmp(v, "no"))
			add(no, sizeof no, "%s%s", *no ? ", " : "", k);
		else if (!strcmp(v, "unknown"))
			add(open, sizeof open, "%s%s", *open ? ", " : "", k);
		else
			add(yes, sizeof yes, "%s%s since %s", *yes ? ", " : "", k, v);
	}
	snprintf(line, sizeof line, "%s%s%s%s%s", yes, *no ? *yes ? "; not by " : "not by " : "", no, *open ? *yes || *no ? "; unknown: " : "unknown: " : "", open);
	text_fact(t, "engines", line);
}

/* What this program's own engine makes of it. */
static void own_engine(const struct text *t, const struct model_entry *e)
{
	const struct model_spec *m = model_entry_self(e);
	static const char *const says[] = { [ARCH_REFUSED] = "not yet: the architecture %s has a part that is not built", [ARCH_UNPROVED] = "run and verify take %s, but nothing outside has borne out its logits",
		[ARCH_PROVED] = "run and verify take %s, whose logits agree with llama.cpp's" };
	enum arch_state state = m ? arch_state(m->architecture) : ARCH_UNKNOWN;
	char line[200];

	if (state == ARCH_UNKNOWN)
		return;
	snprintf(line, sizeof line, state == ARCH_REFUSED ? says[ARCH_REFUSED] : state == ARCH_PROVED ? says[ARCH_PROVED] : says[ARCH_UNPROVED], m->architecture);
	text_fact(t, "own engine", line);
}

static const char *source_key(const struct model_entry *e, uint16_t i)
{
	const struct model_spec *self = model_entry_self(e);

	return self && i < self->n_sources ? self->sources[i].key : "unknown";
}

static void published(const struct text *t, const struct show *s)
{
	const struct model_entry *e = s->e;
	char b[1500];

	if (e->n_engines)
		engines(t, e);
	own_engine(t, e);
	for (unsigned i = 0; i < e->n_repos; i++)
		text_factf(t, i ? "" : "repositories", "%s (%s)", e->repos[i].value, e->repos[i].key);
	for (unsigned i = 0; i < e->n_scores; i++) {
		const struct benchmark_score *x = &e->scores[i];
		text_factf(t, i ? "" : "scores", "%s %.4g%s%s%s, by %s", x->benchmark, x->value, x->note ? " (" : "", x->note ? x->note : "", x->note ? ")" : "",
			source_key(e, x->source));
	}
	prices_text(t, &s->prices, (const char *const[]){ e->id, NULL });
	text_fact(t, "also known as", joined(b, sizeof b, e->aliases));
}

static const char *note_of(char *buf, size_t n, const struct show_size *r)
{
	snprintf(buf, n, "%s%s%s", r->native ? "as released" : "", r->native && r->r->quality ? "; " : "", r->r->quality ? r->r->quality : "");
	return buf;
}

static void size_row(struct table *tab, const struct show *s, const struct show_size *r)
{
	char b[200];

	table_cell(tab, PLAIN, "%s", r->r->name);
	table_cell(tab, PLAIN, "%s", format_bytes(b, sizeof b, r->file));
	table_cell(tab, PLAIN, "%s", format_bytes(b, sizeof b, r->weights));
	table_cell(tab, PLAIN, "%.2f", s->n.text ? 8.0 * (double)r->weights / (double)s->n.text : 0);
	table_cell(tab, PLAIN, "%s", note_of(b, sizeof b, r));
}

/* As released, then what people usually take; --json has every recipe. */
static void sizes(const struct text *t, const struct show *s)
{
	static const char *const usual[] = { "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "iq4_xs", "q3_k_m", "iq3_xxs", "q2_k", "fp8", "fp8_block128", "awq_g128", "nvfp4", "mlx_4bit" };
	static const char *const heads[] = { "quantisation", "file", "in memory", "bits each", "note" };
	struct table tab;

	table_init(&tab, 5, 0xe);
	for (unsigned i = 0; i < 5; i++)
		table_cell(&tab, DIM, "%s", heads[i]);
	for (unsigned i = 0; i < s->n_sizes; i++)
		if (s->size[i].native)
			size_row(&tab, s, &s->size[i]);
	for (unsigned u = 0; u < sizeof usual / sizeof *usual; u++)
		for (unsigned i = 0; i < s->n_sizes; i++)
			if (!strcmp(s->size[i].r->id, usual[u]) && !s->size[i].native)
				size_row(&tab, s, &s->size[i]);
	fputc('\n', t->out);
	table_print(&tab, t, 1);
}

static void sources(const struct text *t, const struct show *s)
{
	const struct model_spec *self = model_entry_self(s->e);

	if (!self || !self->n_sources)
		return;
	fputc('\n', t->out);
	for (unsigned i = 0; i < self->n_sources; i++) {
		const struct source *x = &self->sources[i];
		text_factf(t, i ? "" : "sources", "%s (%s): %s%s%s", x->key, x->confidence, x->what, x->where ? ", " : "", x->where ? x->where : "");
	}
}

void show_text(const struct show *s)
{
	struct text t;

	text_open(&t, s->o);
	text_paint(&t, BOLD, "%s", s->e->name);
	fprintf(t.out, "  (%s)\n", s->e->id);
	people(&t, s);
	if (s->m) {
		shapes(&t, s);
		cache(&t, s);
	}
	published(&t, s);
	if (s->m)
		sizes(&t, s);
	if (s->o->quiet)
		return;
	sources(&t, s);
	for (unsigned i = 0; s->e->notes[i]; i++)
		text_wrap(&t, "note: ", 6, s->e->notes[i]);
	for (unsigned i = 0; s->m && i < s->m->n_warnings; i++)
		text_wrap(&t, "note: ", 6, s->m->warnings[i]);
}
