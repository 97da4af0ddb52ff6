/* model_write.c - a draft entry: head, shapes, layers; its parts are in model_write_parts.c */
#include "catalog/model_write.h"

#include "catalog/model_write_parts.h"

#include <string.h>

enum { PERIOD = 16 };

const char *model_write_id(char *buf, size_t n, const char *name)
{
	size_t used = 0;

	for (; *name && used < 60 && used + 1 < n; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
		int plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '.' && used);
		if (plain)
			buf[used++] = c;
		else if (used && buf[used - 1] != '-')
			buf[used++] = '-';
	}
	while (used && (buf[used - 1] == '-' || buf[used - 1] == '.'))
		used--;
	buf[used] = 0;
	return buf;
}

/* Names that are keys of a map: plain, and each there once. */
static void name_uniquely(char *out, const char *wish, char (*taken)[DRAFT_NAME], unsigned n)
{
	char base[DRAFT_NAME - 8];
	size_t k = 0;

	for (; wish && *wish && k + 1 < sizeof base; wish++) {
		char c = *wish >= 'A' && *wish <= 'Z' ? (char)(*wish - 'A' + 'a') : *wish;
		base[k++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
	}
	base[k] = 0;
	if (!k || !strcmp(base, "none"))
		snprintf(base, sizeof base, "x");
	snprintf(out, DRAFT_NAME, "%s", base);
	for (unsigned suffix = 2, i = 0; i < n; i++)
		if (!strcmp(taken[i], out)) {
			snprintf(out, DRAFT_NAME, "%s_%u", base, suffix++);
			i = (unsigned)-1;        /* from the start */
		}
}

/* Which parts and kinds any layer or MTP block uses: the reader refuses idle parts. */
static void find_used(struct draft *w)
{
	const struct model_spec *m = w->m;

	for (uint32_t i = 0; i < m->n_layers; i++)
		w->kind_used[m->kind_of[i]] = 1;
	if (m->mtp.layers)
		w->kind_used[m->mtp.kind] = 1;
	for (unsigned k = 0; k < m->n_kinds; k++)
		for (unsigned b = 0; w->kind_used[k] && b < m->kinds[k].n_branches; b++)
			for (unsigned p = 0; p < m->kinds[k].branch[b].n_parts; p++)
				w->part_used[m->kinds[k].branch[b].part[p]] = 1;
}

static int prepare(struct draft *w, struct error *err)
{
	const struct model_spec *m = w->m;

	if (m->n_parts > MAX_PARTS || m->n_kinds > MAX_KINDS || m->n_rope > MAX_ROPES)
		return error_set(err, E_FORMAT, "more parts, layer kinds or ropes than an entry may have");
	find_used(w);
	for (unsigned i = 0; i < m->n_parts; i++)
		name_uniquely(w->part_name[i], m->parts[i].name, w->part_name, i);
	for (unsigned i = 0; i < m->n_kinds; i++)
		name_uniquely(w->kind_name[i], m->kinds[i].name, w->kind_name, i);
	for (unsigned i = 0; i < m->n_rope; i++)
		name_uniquely(w->rope_name[i], m->rope[i].name, w->rope_name, i);
	for (unsigned k = 0; k < m->n_kinds; k++)
		for (unsigned b = 1; w->kind_used[k] && b < m->kinds[k].n_branches; b++)
			if (m->kinds[k].branch[b].norm != m->kinds[k].branch[0].norm)
				return error_set(err, E_FORMAT, "layer kind %s: its branches are normed at different places, which an entry cannot say", w->kind_name[k]);
	return OK;
}

static void modalities(struct draft *w)
{
	int image = 0, audio = 0;

	for (unsigned i = 0; i < w->m->n_encoders; i++) {
		image |= w->m->encoders[i].component == COMP_VISION;
		audio |= w->m->encoders[i].component == COMP_AUDIO;
	}
	fprintf(w->out, "modalities: [text%s%s]%s\n", image ? ", image" : "", audio ? ", audio" : "", "                      # FILL IN: what it takes, as its card says");
}

static void head(struct draft *w, const struct model_draft *d)
{
	FILE *o = w->out;

	for (const char *const *r = d->remarks; r && *r; r++)
		fprintf(o, "# %s\n", *r);
	fprintf(o, "schema: 1\nid: %s\nname: ", d->id);
	draft_word(o, d->name);
	fputs("   # FILL IN: as its makers write it\nfamily: unknown                         # FILL IN: the line of models it is of, \"Qwen3\"\n"
	      "vendor: {name: unknown}                 # FILL IN: {name: who made it, country: two letters}\n"
	      "status: open_weights                    # FILL IN: announced or api_only, when they cannot be had\n"
	      "released: unknown                       # FILL IN: YYYY-MM-DD\n", o);
	fputs("licence: ", o);
	draft_word(o, d->licence ? d->licence : "unknown");
	fprintf(o, "%s\n", d->licence ? "   # FILL IN: the file says so; compare with the card" : "                        # FILL IN: an id of data/licences.yaml");
	modalities(w);
	fputs("# FILL IN: use_cases: [general, coding, reasoning, agents, ...]\n"
	      "# FILL IN: languages: [en, de, ...], as its card states them\n"
	      "# FILL IN: aliases: [as people and tools write it]\n"
	      "repos: {}                               # FILL IN: {weights: owner/name, gguf: owner/name, mlx: owner/name}\n"
	      "# FILL IN: engines: {llama.cpp: first release that runs it, vllm: no, ...}\n"
	      "sources:\n  file:                                 # FILL IN: where, with its commit; one more key for each further place\n    what: ", o);
	draft_word(o, d->what);
	fputs("\n    where: ", o);
	draft_word(o, d->where);
	fprintf(o, "\n    confidence: %s\nsource: file\n", d->confidence);
}

static void tokens_or_unknown(FILE *o, const char *key, uint32_t v)
{
	if (v)
		fprintf(o, "%s: %u", key, v);
	else
		fprintf(o, "%s: unknown", key);
}

static void release(struct draft *w)
{
	const struct model_spec *m = w->m;
	FILE *o = w->out;

	fputs("context: {", o);
	tokens_or_unknown(o, "native", m->context_native);
	fputs(", ", o);
	tokens_or_unknown(o, "max", m->context_max);
	fprintf(o, "}%s\n", m->context_native ? "" : "   # FILL IN");
	fprintf(o, "native_format: %s%s\n", m->native_format ? m->native_format : "bf16", m->native_format ? "" : "                     # FILL IN: the recipe of the released weights");
	if (m->native_keep) {
		fputs("native_keep: [", o);
		for (unsigned i = 0; m->native_keep[i]; i++)
			fprintf(o, "%s%s", i ? ", " : "", m->native_keep[i]);
		fputs("]\n", o);
	}
	if (is_known(m->native_file_bytes))
		fprintf(o, "native_file_bytes: %.0f\n", m->native_file_bytes.v);
	if (is_known(m->tokenizer_bytes))
		fprintf(o, "tokenizer_bytes: %.0f\n", m->tokenizer_bytes.v);
	if (m->gguf_mtp)
		fputs("gguf: {mtp: true}\n", o);
}

static void model(struct draft *w)
{
	const struct model_spec *m = w->m;
	FILE *o = w->out;

	fputs("model: {architecture: ", o);
	draft_word(o, m->architecture ? m->architecture : "unknown");
	fprintf(o, ", width: %u, vocab: %u, tied_head: %s, norm: %s", m->width, m->vocab, m->tied_head ? "true" : "false", norm_type_names[m->norm_type]);
	draft_number(o, "norm_eps", (double)m->norm_eps, 1);
	if (m->embed_scale && m->embed_factor > 0)
		draft_number(o, "embed_scale", m->embed_factor, 0);
	else if (m->embed_scale)
		fputs(", embed_scale: sqrt_width", o);
	draft_number(o, "final_softcap", (double)m->final_softcap, 1);
	if (m->residual_streams > 1)
		draft_count(o, "residual_streams", m->residual_streams);
	draft_count(o, "residual_block", m->residual_block);
	draft_count(o, "per_layer_embed", m->per_layer_embed);
	draft_count(o, "per_layer_vocab", m->per_layer_vocab);
	draft_flag(o, "learned_positions", m->learned_positions);
	draft_flag(o, "embed_norm", m->embed_norm);
	draft_flag(o, "head_bias", m->head_bias);
	draft_flag(o, "no_final_norm", m->no_final_norm);
	fputs("}\n", o);
}

static void ropes(struct draft *w)
{
	FILE *o = w->out;

	if (w->m->n_rope)
		fputs("rope:\n", o);
	for (unsigned i = 0; i < w->m->n_rope; i++) {
		const struct rope *r = &w->m->rope[i];
		fprintf(o, "  %s: {", w->rope_name[i]);
		/* every value is behind a comma but the first */
		fprintf(o, "theta: ");
		if (r->theta > 0)
			draft_bare(o, r->theta, 0);
		else
			fputs("unknown", o);
		draft_count(o, "dims", r->dims);
		if (r->scaling != ROPE_SCALING_NONE) {
			fprintf(o, ", scaling: {type: %s", rope_scaling_names[r->scaling]);
			draft_number(o, "factor", r->factor, 0);
			draft_count(o, "original", r->original);
			fputc('}', o);
		}
		fputs("}\n", o);
	}
}

static void kinds(struct draft *w)
{
	const struct model_spec *m = w->m;
	FILE *o = w->out;

	fputs("kinds:\n", o);
	for (unsigned k = 0; k < m->n_kinds; k++) {
		const struct layer_kind *x = &m->kinds[k];
		uint8_t norm = x->n_branches ? x->branch[0].norm : NORM_PRE;
		int map = norm != NORM_PRE || x->extra_norms || x->extra_scalars;
		if (!w->kind_used[k])
			continue;
		fprintf(o, "  %s: %s[", w->kind_name[k], map ? "{branches: " : "");
		for (unsigned b = 0; b < x->n_branches; b++) {
			fprintf(o, "%s[", b ? ", " : "");
			for (unsigned p = 0; p < x->branch[b].n_parts; p++)
				fprintf(o, "%s%s", p ? ", " : "", w->part_name[x->branch[b].part[p]]);
			fputc(']', o);
		}
		fputc(']', o);
		if (norm != NORM_PRE)
			fprintf(o, ", norms: %s", norm_at_names[norm]);
		draft_count(o, "extra_norms", x->extra_norms);
		draft_count(o, "extra_scalars", x->extra_scalars);
		fprintf(o, "%s\n", map ? "}" : "");
	}
}

/* How many layers from `at` on are whole repeats of the first `period`. */
static uint32_t covered(const struct model_spec *m, uint32_t at, uint32_t period)
{
	uint32_t i = at + period;

	while (i < m->n_layers && m->kind_of[i] == m->kind_of[i - period])
		i++;
	return (i - at) / period * period;
}

/* The shortest pattern that covers the most layers from here on. */
static uint32_t best_period(const struct model_spec *m, uint32_t at)
{
	uint32_t best = 1, most = covered(m, at, 1);

	for (uint32_t p = 2; p <= PERIOD && at + p <= m->n_layers; p++) {
		uint32_t n = covered(m, at, p);
		if (n > most && n >= 2 * p) {
			most = n;
			best = p;
		}
	}
	return best;
}

static void layers(struct draft *w)
{
	const struct model_spec *m = w->m;
	FILE *o = w->out;

	fputs("layers:\n", o);
	for (uint32_t at = 0; at < m->n_layers;) {
		uint32_t p = best_period(m, at), n = covered(m, at, p);
		fprintf(o, "  - {repeat: %u, of: [", n / p);
		for (uint32_t i = 0; i < p; i++)
			fprintf(o, "%s%s", i ? ", " : "", w->kind_name[m->kind_of[at + i]]);
		fputs("]}\n", o);
		at += n;
	}
}

static void mtp(struct draft *w)
{
	const struct mtp *t = &w->m->mtp;
	FILE *o = w->out;

	if (!t->layers)
		return;
	fprintf(o, "mtp: {layers: %u, kind: %s, stored: %u, norms: %u", t->layers, w->kind_name[t->kind], t->stored, t->norms);
	draft_flag(o, "own_embed", t->own_embed);
	draft_flag(o, "own_head", t->own_head);
	draft_flag(o, "no_proj", t->no_proj);
	if (t->extra)
		fprintf(o, ", extra: %llu", (unsigned long long)t->extra);
	fputs("}\n", o);
}

static void encoders(struct draft *w)
{
	FILE *o = w->out;

	if (w->m->n_encoders)
		fputs("encoders:\n", o);
	for (unsigned i = 0; i < w->m->n_encoders; i++) {
		const struct encoder *e = &w->m->encoders[i];
		fprintf(o, "  %s: {type: ", e->component == COMP_VISION ? "vision" : "audio");
		draft_word(o, e->type ? e->type : "unknown");
		if (e->format)
			fprintf(o, ", format: %s", e->format);
		fprintf(o, ", params: %llu", (unsigned long long)e->params);
		draft_count(o, "image_tokens", e->image_tokens);
		fprintf(o, "}%s\n", e->component == COMP_VISION && !e->image_tokens ? "   # FILL IN: image_tokens, when every image takes the same number" : "");
	}
}

/* Those that are said of a part are written there. */
static void warnings(struct draft *w)
{
	const struct model_spec *m = w->m;
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_warnings; i++) {
		int of_part = 0;
		for (unsigned p = 0; p < m->n_parts; p++)
			of_part |= w->part_used[p] && m->parts[p].warning == i + 1;
		if (of_part)
			continue;
		fprintf(w->out, "%s  - ", n++ ? "" : "warnings:\n");
		draft_word(w->out, m->warnings[i]);
		fputc('\n', w->out);
	}
}

int model_write(FILE *out, const struct model_draft *d, struct error *err)
{
	struct draft w = { .out = out, .m = d->m };
	int rc = prepare(&w, err);

	if (rc != OK)
		return rc;
	head(&w, d);
	release(&w);
	model(&w);
	ropes(&w);
	draft_parts(&w);
	kinds(&w);
	layers(&w);
	mtp(&w);
	encoders(&w);
	warnings(&w);
	fputs("# FILL IN: checks: {params_total: N, source: KEY} with the published total, to be held against the shapes\n", out);
	return ferror(out) ? error_set(err, E_IO, "the draft cannot be written") : OK;
}
