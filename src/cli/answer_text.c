/* answer_text.c - an estimate for a person */
#include "cli/answer.h"

#include "base/units.h"

#include <string.h>

const char *answer_quant(const struct answer *a)
{
	if (a->model->weights)
		return a->model->file_quant ? a->model->file_quant : "as in the file";
	return a->estimate->settings.recipe->name;
}

const char *relaxation_text(char *buf, size_t n, const struct relaxation *r, const struct answer *a)
{
	char t[32];

	switch ((enum change)r->change) {
	case CHANGE_KV_TYPE: snprintf(buf, n, "--kv-type %s", r->name); break;
	case CHANGE_KV_TYPES: snprintf(buf, n, "-ctk %s -ctv %s", a->question->quants->formats[r->value >> 16].id, a->question->quants->formats[r->value & 0xffff].id); break;
	case CHANGE_CONTEXT: snprintf(buf, n, "-c %s", format_tokens(t, sizeof t, r->value)); break;
	case CHANGE_SEQUENCES: snprintf(buf, n, "-np %llu", (unsigned long long)r->value); break;
	case CHANGE_RECIPE: snprintf(buf, n, "--quant %s", r->name); break;
	case CHANGE_HOST: snprintf(buf, n, "--ram %lluGiB", (unsigned long long)(r->value / GIB)); break;
	case CHANGES: buf[0] = 0; break;
	}
	return buf;
}

const char *offload_text(char *buf, size_t n, uint32_t gpu_layers, uint32_t cpu_moe, uint32_t n_layers)
{
	uint32_t first = n_layers - gpu_layers, bare = cpu_moe > first ? cpu_moe - first : 0;   /* layers on the device without their experts */

	if (gpu_layers < n_layers && bare == gpu_layers && bare)
		snprintf(buf, n, "%u of %u layers on the device, without their experts", gpu_layers, n_layers);
	else if (gpu_layers < n_layers && bare)
		snprintf(buf, n, "%u of %u layers on the device, %u of them without their experts", gpu_layers, n_layers, bare);
	else if (gpu_layers == n_layers && cpu_moe)
		snprintf(buf, n, "the experts of %u of %u layers in host memory", cpu_moe, n_layers);
	else
		snprintf(buf, n, "%u of %u layers on the device", gpu_layers, n_layers);
	return buf;
}

const char *costs_text(char *buf, size_t n, const struct relaxation *r, const struct answer *a)
{
	const struct settings *s = &a->estimate->settings;
	char c[32], d[32];

	buf[0] = 0;
	switch ((enum change)r->change) {
	case CHANGE_KV_TYPE: snprintf(buf, n, "K and V in %s instead of %s", r->name, a->question->quants->formats[s->kv_k].id); break;
	case CHANGE_KV_TYPES: snprintf(buf, n, "instead of K in %s and V in %s", a->question->quants->formats[s->kv_k].id, a->question->quants->formats[s->kv_v].id); break;
	case CHANGE_CONTEXT: snprintf(buf, n, "%s tokens of context instead of %s", format_tokens(c, sizeof c, r->value), format_tokens(d, sizeof d, s->ctx_tokens)); break;
	case CHANGE_SEQUENCES: snprintf(buf, n, "%llu sequences instead of %u", (unsigned long long)r->value, s->sequences); break;
	case CHANGE_RECIPE: snprintf(buf, n, "fewer bits a weight than %s", answer_quant(a)); break;
	case CHANGE_HOST: offload_text(buf, n, r->gpu_layers, r->cpu_moe, a->model->spec->n_layers); break;
	case CHANGES: break;
	}
	return buf;
}

const char *shortfall_text(char *buf, size_t n, const struct estimate *e)
{
	char a[32], b[32], c[32];

	if (e->short_at == SHORT_NOWHERE) {
		snprintf(buf, n, "%u layers were asked for on the device", e->gpu_layers);
		return buf;
	}
	snprintf(buf, n, "%s%s %s %s and has %s: short by %s", e->verdict == FITS_OFFLOADED ? "wholly on the device, " : "", e->short_of.device,
		 e->verdict == FITS_OFFLOADED ? "would need" : "needs", format_bytes(a, sizeof a, e->short_of.total),
		 format_bytes(b, sizeof b, e->short_of.budget), format_bytes(c, sizeof c, (uint64_t)-e->short_of.headroom));
	size_t at = strlen(buf);
	if (e->verdict == DOES_NOT_FIT && e->short_at >= 0 && e->host.total && e->host.budget && at < n)
		snprintf(buf + at, n - at, ", and %s of host memory do not make up for it", format_bytes(a, sizeof a, e->host.budget));
	return buf;
}

const char *figure_text(char *buf, size_t n, struct figure f, const char *unit)
{
	char v[24], lo[24], hi[24];

	if (f.basis == BASIS_UNKNOWN)
		snprintf(buf, n, "unknown");
	else
		snprintf(buf, n, "%s %s (%s to %s)", format_3(v, sizeof v, f.value), unit, format_3(lo, sizeof lo, f.low), format_3(hi, sizeof hi, f.high));
	return buf;
}

static void head(const struct text *t, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	const struct settings *s = &e->settings;
	const struct quants *q = a->question->quants;
	char n[32], act[32], c[32], line[512];
	int used;

	text_paint(t, BOLD, "%s", a->model->entry ? a->model->entry->name : a->model->spec->name ? a->model->spec->name : a->model->spec->id);
	fprintf(t->out, "  %s parameters", format_count(n, sizeof n, (double)e->params_total));
	/* a mixture multiplies less than it stores */
	if ((double)e->params_active < 0.7 * (double)e->params_total)
		fprintf(t->out, ", %s active", format_count(act, sizeof act, (double)e->params_active));
	fprintf(t->out, "\non ");
	text_paint(t, BOLD, "%s", a->hardware->name);
	used = snprintf(line, sizeof line, "\n%s, %s, %s tokens of context", s->engine->name, answer_quant(a), format_tokens(c, sizeof c, s->ctx_tokens));
	if (s->sequences > 1)
		used += snprintf(line + used, sizeof line - (size_t)used, " for each of %u sequences", s->sequences);
	if (s->kv_k == s->kv_v)
		snprintf(line + used, sizeof line - (size_t)used, ", KV cache %s", q->formats[s->kv_k].id);
	else
		snprintf(line + used, sizeof line - (size_t)used, ", K %s, V %s", q->formats[s->kv_k].id, q->formats[s->kv_v].id);
	fprintf(t->out, "%s\n\n", line);
}

typedef uint64_t term_fn(const struct memory *m);
static uint64_t term_weights(const struct memory *m) { return m->weights; }
static uint64_t term_kv(const struct memory *m) { return m->kv_cache; }
static uint64_t term_state(const struct memory *m) { return m->state; }
static uint64_t term_compute(const struct memory *m) { return m->compute; }
static uint64_t term_runtime(const struct memory *m) { return m->runtime; }
static uint64_t term_total(const struct memory *m) { return m->total; }
static uint64_t term_budget(const struct memory *m) { return m->budget; }

/* Terms down, devices across; many equal devices are shown as the fullest one. */
static void memory_table(const struct text *t, const struct answer *a)
{
	static const struct { const char *name; term_fn *of; int always; } rows[] = {
		{ "weights", term_weights, 1 }, { "KV cache", term_kv, 1 }, { "state", term_state, 0 }, { "compute buffers", term_compute, 0 },
		{ "runtime", term_runtime, 0 }, { "total", term_total, 1 }, { "memory", term_budget, 1 },
	};
	const struct estimate *e = a->estimate;
	unsigned shown = e->n_devices > 4 ? 1 : e->n_devices, fullest = 0;
	int sum = e->n_devices > 1, host = e->host.total > 0;
	char b[32];
	struct table tab;

	for (unsigned d = 1; d < e->n_devices; d++)
		if (e->device[d].total > e->device[fullest].total)
			fullest = d;
	table_init(&tab, 1 + (unsigned)sum + shown + (unsigned)host, ~1u);
	table_cell(&tab, DIM, "memory");
	if (sum)
		table_cell(&tab, DIM, "all %u", e->n_devices);
	for (unsigned d = 0; d < shown; d++) {
		if (e->n_devices == 1)
			table_cell(&tab, DIM, "%s", e->device[0].pool);
		else if (shown < e->n_devices)
			table_cell(&tab, DIM, "the fullest (%u)", fullest);
		else
			table_cell(&tab, DIM, "card %u", d);
	}
	if (host)
		table_cell(&tab, DIM, "host");
	for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
		enum paint p = !strcmp(rows[r].name, "total") ? BOLD : PLAIN;
		if (!rows[r].always && !rows[r].of(&e->sum) && !rows[r].of(&e->host))
			continue;
		table_cell(&tab, p, "%s", rows[r].name);
		if (sum)
			table_cell(&tab, p, "%s", format_bytes(b, sizeof b, rows[r].of(&e->sum)));
		for (unsigned d = 0; d < shown; d++)
			table_cell(&tab, p, "%s", format_bytes(b, sizeof b, rows[r].of(&e->device[shown < e->n_devices ? fullest : d])));
		if (host) {
			if (rows[r].of == term_budget && !e->host.budget)
				table_cell(&tab, DIM, "not given");
			else
				table_cell(&tab, p, "%s", format_bytes(b, sizeof b, rows[r].of(&e->host)));
		}
	}
	table_cell(&tab, BOLD, "left over");
	if (sum)
		table_cell(&tab, e->sum.headroom < 0 ? RED : GREEN, "%s", format_signed_bytes(b, sizeof b, e->sum.headroom));
	for (unsigned d = 0; d < shown; d++) {
		int64_t left = e->device[shown < e->n_devices ? fullest : d].headroom;
		table_cell(&tab, left < 0 ? RED : GREEN, "%s", format_signed_bytes(b, sizeof b, left));
	}
	if (host) {
		if (e->host.budget)
			table_cell(&tab, e->host.headroom < 0 ? RED : GREEN, "%s", format_signed_bytes(b, sizeof b, e->host.headroom));
		else
			table_cell(&tab, DIM, "-");
	}
	table_print(&tab, t, 1);
}

/* "The longest context that fits is 26368 tokens; 3 sequences of 8k fit at a time." */
static void longest(const struct text *t, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	char b[32], c[32], s[256];
	int n = snprintf(s, sizeof s, "The longest context that fits is %s tokens%s",
		format_tokens(b, sizeof b, e->max_context_tokens),
		e->max_context_tokens == a->model->spec->context_max ? ", all that the model was made for" : "");

	if (a->model->spec->context_max && e->settings.ctx_tokens > a->model->spec->context_max)
		n = snprintf(s, sizeof s, "The model was made for %s tokens at most", format_tokens(b, sizeof b, a->model->spec->context_max));
	if (e->verdict != DOES_NOT_FIT && e->max_sequences > 1 && e->settings.engine->cache != CACHE_IDEAL)
		n += snprintf(s + n, sizeof s - (size_t)n, "; %u%s sequences of %s fit at a time", e->max_sequences,
			e->max_sequences >= MAX_SEQUENCES ? " or more" : "", format_tokens(c, sizeof c, e->settings.ctx_tokens));
	snprintf(s + n, sizeof s - (size_t)n, ".");
	text_wrap(t, "  ", 2, s);
}

static void verdict(const struct text *t, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	char s[256], b[32];

	fputc('\n', t->out);
	if (e->verdict == FITS)
		text_paint(t, GREEN, "It fits.");
	else if (e->verdict == FITS_OFFLOADED)
		text_paint(t, YELLOW, "It fits offloaded: %s.", offload_text(s, sizeof s, e->gpu_layers, e->cpu_moe, a->model->spec->n_layers));
	else
		text_paint(t, RED, "It does not fit.");
	if (e->verdict != FITS) {
		fputc('\n', t->out);
		text_wrap(t, "  ", 2, shortfall_text(s, sizeof s, e));
	}
	else
		fputc('\n', t->out);
	if (e->dealt) {
		int used = snprintf(s, sizeof s, "Shares by memory would overfill a card: give the engine -ts ");
		for (unsigned d = 0; d < e->n_devices && used + 8 < (int)sizeof s; d++)
			used += snprintf(s + used, sizeof s - (size_t)used, "%s%u", d ? "," : "", e->deal[d]);
		text_wrap(t, "  ", 2, s);
	}
	if (e->max_context_tokens)
		longest(t, a);
	else
		fprintf(t->out, "  No context fits at this quantisation.\n");
	if (e->verdict == DOES_NOT_FIT && !e->n_relax)
		text_wrap(t, "  ", 2, "No smaller context, KV cache or quantisation makes it fit here; ullage fit lists what does.");
	for (unsigned i = 0; i < e->n_relax; i++) {
		const struct relaxation *r = &e->relax[i];
		char what[128], cost[160];
		if (!i)
			fprintf(t->out, "  %s\n", e->verdict == DOES_NOT_FIT ? "It would fit with" : "It would fit on the device alone with");
		fprintf(t->out, "    %-24s saves %-9s %s\n", relaxation_text(what, sizeof what, r, a), format_bytes(b, sizeof b, r->saves_bytes), costs_text(cost, sizeof cost, r, a));
	}
}

static void speed(const struct text *t, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	char f[128], c[32];

	if (e->decode_tps.basis == BASIS_UNKNOWN && e->prefill_tps.basis == BASIS_UNKNOWN)
		return;
	fputc('\n', t->out);
	text_paint(t, DIM, "speed, from %s: a wide 80 %% interval", e->decode_tps.basis == BASIS_CALIBRATED ? "bandwidth measured here" : "specifications");
	fputc('\n', t->out);
	for (unsigned i = 0; i < e->n_depths; i++) {
		char label[48];
		snprintf(label, sizeof label, "decode %s %s", i ? "after" : "at the", i ? format_tokens(c, sizeof c, e->depth[i].ctx_tokens) : "start");
		fprintf(t->out, "%-22s %s\n", label, figure_text(f, sizeof f, e->depth[i].decode_tps, "tokens/s"));
	}
	fprintf(t->out, "%-22s %s\n", "prefill", figure_text(f, sizeof f, e->prefill_tps, "tokens/s"));
	if (e->ttft_s.basis != BASIS_UNKNOWN) {
		char label[48];
		snprintf(label, sizeof label, "first token after %s", format_tokens(c, sizeof c, e->ttft_tokens));
		fprintf(t->out, "%-22s %s\n", label, figure_text(f, sizeof f, e->ttft_s, "s"));
	}
}

void answer_text(const struct text *t, const struct answer *a, int quiet)
{
	const struct estimate *e = a->estimate;
	char b[32], lo[32];
	int n = 0;

	head(t, a);
	memory_table(t, a);
	verdict(t, a);
	speed(t, a);
	if (quiet)
		return;
	fputc('\n', t->out);
	if (e->weights_low != e->weights_high) {
		char line[160];
		snprintf(line, sizeof line, "weights between %s and %s", format_bytes(lo, sizeof lo, e->weights_low), format_bytes(b, sizeof b, e->weights_high));
		text_wrap(t, "note: ", 6, line);
	}
	for (unsigned w = 0; w < WARNINGS; w++)
		if (e->warnings >> w & 1)
			text_wrap(t, n++ ? "      " : "note: ", 6, warning_text((enum warning)w));
	for (unsigned i = 0; i < a->model->spec->n_warnings; i++)
		text_wrap(t, n++ ? "      " : "note: ", 6, a->model->spec->warnings[i]);
	for (unsigned i = 0; i < a->hardware->n_warnings; i++)
		text_wrap(t, n++ ? "      " : "note: ", 6, a->hardware->warnings[i]);
}

void answer_csv_header(FILE *out)
{
	fputs("model,hardware,engine,quant,ctx_tokens,sequences,weights_bytes,kv_cache_bytes,state_bytes,compute_bytes,runtime_bytes,total_bytes,"
	      "budget_bytes,headroom_bytes,host_bytes,file_bytes,max_context_tokens,decode_tokens_per_s,decode_low,decode_high,prefill_tokens_per_s,verdict\n", out);
}

static void csv_figure(FILE *out, double v, int known)
{
	char b[32];

	csv_cell(out, known ? format_3(b, sizeof b, v) : "", 0);
}

void answer_csv(FILE *out, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	const struct memory *m = &e->sum;
	int k = e->decode_tps.basis != BASIS_UNKNOWN;

	csv_cell(out, a->model->entry ? a->model->entry->id : a->model->spec->id, 0);
	csv_cell(out, a->hardware->id, 0);
	csv_cell(out, e->settings.engine->id, 0);
	csv_cell(out, answer_quant(a), 0);
	fprintf(out, "%llu,%u,%llu,%llu,%llu,%llu,", (unsigned long long)e->settings.ctx_tokens, e->settings.sequences,
		(unsigned long long)m->weights, (unsigned long long)m->kv_cache, (unsigned long long)m->state, (unsigned long long)m->compute);
	if (m->runtime || !(e->warnings & 1u << WARN_RUNTIME_UNKNOWN))
		fprintf(out, "%llu", (unsigned long long)m->runtime);
	fprintf(out, ",%llu,%llu,%lld,%llu,%llu,%llu,", (unsigned long long)m->total, (unsigned long long)m->budget, (long long)m->headroom,
		(unsigned long long)e->host.total, (unsigned long long)e->file_bytes, (unsigned long long)e->max_context_tokens);
	csv_figure(out, e->decode_tps.value, k);
	csv_figure(out, e->decode_tps.low, k);
	csv_figure(out, e->decode_tps.high, k);
	csv_figure(out, e->prefill_tps.value, e->prefill_tps.basis != BASIS_UNKNOWN);
	csv_cell(out, verdict_names[e->verdict], 1);
}
