/* fit_text.c - the table of ullage fit */
#include "cli/fit.h"

#include "base/units.h"
#include "cli/answer.h"
#include "cli/text.h"
#include "engine/hyper_arch.h"

#include <stdlib.h>
#include <string.h>

static const char *section_title(char *buf, size_t n, enum fit_class c, const struct fit *f)
{
	const struct hardware_spec *h = f->machine;
	int vram = h->pools[h->groups[0].pool].kind == POOL_VRAM;
	unsigned cards = 0;
	char tps[24];

	for (unsigned g = 0; g < h->n_groups; g++)
		if (h->pools[h->groups[g].pool].kind != POOL_HOST)
			cards += (unsigned)h->groups[g].per_node * h->groups[g].nodes;
	const char *where = !vram ? "in memory" : cards == 1 ? "on the card" : "on the cards";
	switch (c) {
	case FIT_WHOLE: snprintf(buf, n, "wholly %s", where); break;
	case FIT_WHOLE_SLOW: snprintf(buf, n, "wholly %s, but slower than %s tokens/s", where, format_3(tps, sizeof tps, f->min_tps)); break;
	case FIT_OFFLOADED: snprintf(buf, n, "offloaded: experts or layers in host memory"); break;
	case FIT_OFFLOADED_SLOW: snprintf(buf, n, "offloaded, and slower than %s tokens/s", format_3(tps, sizeof tps, f->min_tps)); break;
	case FIT_CLASSES: buf[0] = 0; break;
	}
	return buf;
}

/* "31 (15-45)", in few columns */
static const char *rate(char *buf, size_t n, struct figure f)
{
	char v[24], lo[24], hi[24];

	if (f.basis == BASIS_UNKNOWN)
		snprintf(buf, n, "unknown");
	else
		snprintf(buf, n, "%s (%s-%s)", format_2(v, sizeof v, f.value), format_2(lo, sizeof lo, f.low), format_2(hi, sizeof hi, f.high));
	return buf;
}

static double share_used(const struct estimate *e)
{
	double most = 0;

	/* the fullest device decides what fits */
	for (unsigned d = 0; d < e->n_devices; d++)
		if (e->device[d].budget && (double)e->device[d].total / (double)e->device[d].budget > most)
			most = (double)e->device[d].total / (double)e->device[d].budget;
	return most;
}

static void one_row(struct table *tab, const struct fit_row *r, int wide, int bar, int narrow)
{
	const struct estimate *e = &r->e;
	enum paint mark = r->class == FIT_WHOLE ? GREEN : YELLOW;
	char a[96], b[96];

	table_cell(tab, PLAIN, "%s", r->model.entry->id);
	if (wide)
		table_cell(tab, PLAIN, "%s", format_count(a, sizeof a, (double)e->params_total));
	table_cell(tab, PLAIN, "%s", e->settings.recipe->name);
	if (bar)
		table_cell(tab, mark, "%s", text_bar(b, sizeof b, 12, share_used(e)));
	uint64_t used = e->sum.total + (e->verdict == FITS_OFFLOADED ? e->host.total : 0);
	table_cell(tab, PLAIN, "%s", narrow ? format_3(a, sizeof a, (double)used / (double)GIB) : format_bytes(a, sizeof a, used));
	if (narrow)
		snprintf(a, sizeof a, "%.2f", (double)e->sum.headroom / (double)GIB);
	else
		format_signed_bytes(a, sizeof a, e->sum.headroom);
	table_cell(tab, estimate_tight(&r->e) ? YELLOW : mark, "%s%s", estimate_tight(&r->e) ? "!" : "", a);
	/* rounded down: at least so much */
	int less = r->model.spec->context_max && r->model.spec->context_max < e->settings.ctx_tokens;
	table_cell(tab, less ? YELLOW : PLAIN, "%s%s", less ? "*" : "",
		format_tokens(a, sizeof a, e->max_context_tokens >= 1024 ? e->max_context_tokens / 1024 * 1024 : e->max_context_tokens));
	table_cell(tab, e->decode_tps.basis == BASIS_UNKNOWN ? DIM : PLAIN, "%s", rate(a, sizeof a, e->decode_tps));
	if (wide) {
		table_cell(tab, e->prefill_tps.basis == BASIS_UNKNOWN ? DIM : PLAIN, "%s", rate(a, sizeof a, e->prefill_tps));
		table_cell(tab, mark, "%s", e->verdict == FITS ? "fits" : offload_text(a, sizeof a, e->gpu_layers, e->cpu_moe, r->model.spec->n_layers));
	}
}

static void print_rows(const struct fit *f, const struct text *t)
{
	static const char *const heads[] = { "model", "params", "quant", "", "memory", "left over", "context", "decode", "prefill", "verdict" };
	const int wide = t->width >= 112, bar = t->width >= 136, narrow = t->width < 92;
	const uint8_t shown[] = { 1, (uint8_t)wide, 1, (uint8_t)bar, 1, 1, 1, 1, (uint8_t)wide, (uint8_t)wide };
	enum fit_class section = FIT_CLASSES;
	uint32_t right = 0;
	unsigned columns = 0;
	char title[128];
	struct table tab;

	for (unsigned i = 0; i < sizeof shown; i++) {
		if (!shown[i])
			continue;
		if ((i == 1) || (i >= 4 && i <= 8))
			right |= 1u << columns;
		columns++;
	}
	table_init(&tab, columns, right);
	tab.shrink = 1;
	for (unsigned i = 0; i < sizeof shown; i++)
		if (shown[i])
			table_cell(&tab, DIM, "%s", narrow && i == 4 ? "GiB" : narrow && i == 5 ? "left" : heads[i]);
	for (unsigned i = 0; i < f->n_shown; i++) {
		const struct fit_row *r = f->rows[i];
		if (!f->o->sort && r->class != section) {
			section = (enum fit_class)r->class;
			table_section(&tab, BOLD, section_title(title, sizeof title, section, f));
		}
		one_row(&tab, r, wide, bar, narrow);
	}
	table_print(&tab, t, 1);
}

/* Options that a next command must repeat to be about the same thing. */
static void repeat(FILE *out, const struct options *o, uint64_t ctx)
{
	char b[32];

	if (o->on)
		fprintf(out, " --on \"%s\"", o->on);
	if (o->ram_set)
		fprintf(out, " --ram %s", o->ram_text);
	if (o->gpu_layers_set)
		fprintf(out, " -ngl %llu", (unsigned long long)o->gpu_layers);
	if (o->cpu_moe_set)
		fprintf(out, " -ncmoe %llu", (unsigned long long)o->cpu_moe);
	if (o->cpu_moe_all)
		fputs(" -cmoe", out);
	if (o->swa_full)
		fputs(" --swa-full", out);
	if (o->imatrix)
		fprintf(out, " --imatrix %s", o->imatrix);
	if (o->no_calibration)
		fputs(" --no-calibration", out);
	if (ctx)
		fprintf(out, " -c %s", format_tokens(b, sizeof b, ctx));
	if (o->sequences_set)
		fprintf(out, " -np %llu", (unsigned long long)o->sequences);
	if (o->engine)
		fprintf(out, " --engine %s", o->engine);
	if (o->kv)
		fprintf(out, " --kv-type %s", o->kv);
	if (o->kv_k)
		fprintf(out, " -ctk %s", o->kv_k);
	if (o->kv_v)
		fprintf(out, " -ctv %s", o->kv_v);
	if (o->flash)
		fprintf(out, " -fa %s", o->flash);
	if (o->ubatch_set)
		fprintf(out, " -ub %llu", (unsigned long long)o->ubatch);
	if (o->split)
		fprintf(out, " -sm %s", o->split);
	if (o->shares)
		fprintf(out, " -ts %s", o->shares);
	if (o->quant)
		fprintf(out, " --quant %s", o->quant);
	if (o->max_quant)
		fprintf(out, " --max-quant %s", o->max_quant);
}

static const char *speeds_from(const struct fit *f)
{
	uint8_t basis = BASIS_UNKNOWN;

	for (unsigned i = 0; i < f->n_shown && basis == BASIS_UNKNOWN; i++)
		basis = (uint8_t)f->rows[i]->e.decode_tps.basis;
	if (!f->n_shown)
		return "nothing is left to tell the speed of";
	if (basis == BASIS_UNKNOWN)
		return f->o->on ? "speeds are unknown, as the memory's bandwidth is" : "speeds are unknown until ullage hardware --measure has read the memory (five seconds)";
	return basis == BASIS_CALIBRATED ? "speeds are from bandwidth measured here, with 80 % intervals" : "speeds are from specifications, with 80 % intervals";
}

static void summary(const struct fit *f, const struct text *t)
{
	unsigned of[FIT_CLASSES] = { 0 }, slow = 0;
	char line[512], a[32];
	int n;

	for (unsigned i = 0; i < f->n_rows; i++)
		of[f->rows[i]->class]++;
	for (unsigned i = 0; i < f->n_out; i++)
		slow += f->out[i]->rc == OK;
	n = snprintf(line, sizeof line, "%u of %u models fit", f->n_rows, f->n_rows + f->n_out);
	if (of[FIT_OFFLOADED] + of[FIT_OFFLOADED_SLOW])
		n += snprintf(line + n, sizeof line - (size_t)n, ", %u of them offloaded", of[FIT_OFFLOADED] + of[FIT_OFFLOADED_SLOW]);
	if (slow)
		n += snprintf(line + n, sizeof line - (size_t)n, ", %u more are slower than asked for", slow);
	if (f->n_shown < f->n_rows)
		n += snprintf(line + n, sizeof line - (size_t)n, f->n_shown == 1 ? "; the first %u is shown (-n %u shows all)" : "; the first %u are shown (-n %u shows all)", f->n_shown, f->n_rows);
	n += snprintf(line + n, sizeof line - (size_t)n, ".");
	if (f->n_left_out)
		snprintf(line + n, sizeof line - (size_t)n, " %u finetunes of these are left out (--all).", f->n_left_out);
	fputc('\n', t->out);
	text_wrap(t, "", 0, line);
	for (unsigned i = 0; i < f->n_shown; i++)
		if (f->rows[i]->model.spec->context_max && f->rows[i]->model.spec->context_max < f->rows[i]->e.settings.ctx_tokens) {
			text_wrap(t, "", 0, "* made for a shorter context than was asked for");
			break;
		}

	for (unsigned i = 0; i < f->n_shown; i++)
		if (estimate_tight(&f->rows[i]->e)) {
			text_wrap(t, "", 0, "! less than 1 GiB left on a card, which llama.cpp's own fitting keeps free: what drivers and libraries take there is unknown and not counted");
			break;
		}

	const struct settings *s = f->settings;
	const struct quants *q = f->n_rows + f->n_out ? (f->n_rows ? f->rows : f->out)[0]->q.quants : NULL;
	n = snprintf(line, sizeof line, "%s%s tokens of context%s, %u sequence%s, KV cache %s, engine %s; %s.",
		f->o->ctx_set || f->o->sequences_set || f->o->engine ? "" : "Assumed: ", format_tokens(a, sizeof a, s->ctx_tokens), s->sequences > 1 ? " each" : "", s->sequences,
		s->sequences > 1 ? "s" : "", q ? q->formats[s->kv_k].id : "f16", s->engine->name,
		speeds_from(f));
	text_wrap(t, "", 0, line);
}

/* Some fit and are only too slow. */
static int any_fits(const struct fit *f)
{
	for (unsigned i = 0; i < f->n_out; i++)
		if (f->out[i]->rc == OK)
			return 1;
	return 0;
}

/* The first row that verify can load and run here, with made-up weights, and room beside it: on this machine itself, where nothing has memory of its own that no
 * backend reaches. NULL: none. */
static const struct fit_row *triable(const struct fit *f)
{
	const struct hardware_spec *h = f->machine;

	for (unsigned g = 0; g < h->n_groups; g++)
		if (f->o->on || h->groups[g].device->kind != DEVICE_CPU)
			return NULL;
	for (unsigned i = 0; i < f->n_shown; i++) {
		const struct fit_row *r = f->rows[i];
		enum arch_state state = arch_state(r->model.spec->architecture);
		if (r->e.verdict == FITS && r->e.sum.headroom > (int64_t)GIB && r->e.settings.recipe->packing == PACK_GGUF && (state == ARCH_PROVED || state == ARCH_UNPROVED))
			return r;
	}
	return NULL;
}

void fit_text(const struct fit *f)
{
	const struct hardware_spec *h = f->machine;
	struct text t;

	text_open(&t, f->o);
	text_paint(&t, BOLD, "%s", h->name);
	fputs("\n\n", t.out);
	if (f->n_rows)
		print_rows(f, &t);
	else
		text_paint(&t, RED, any_fits(f) ? "No model that fits is as fast as asked for.\n" : "No model of those asked for fits.\n");
	if (f->o->quiet)
		return;
	summary(f, &t);
	if (f->closing.freed_bytes) {
		char line[512], b[32];
		int n = snprintf(line, sizeof line, "Closing %s would free %s", f->closing.programs, format_bytes(b, sizeof b, f->closing.freed_bytes));
		if (f->closing.n_models)
			snprintf(line + n, sizeof line - (size_t)n, f->closing.n_models > 1 ? ": then %s and %u more would fit wholly." : ": then %s would fit wholly.", f->closing.models[0],
				f->closing.n_models - 1);
		else
			snprintf(line + n, sizeof line - (size_t)n, "; no further model would fit wholly.");
		text_wrap(&t, "", 0, line);
	}
	fputs("Next: ", t.out);
	if (f->n_rows) {
		fprintf(t.out, "ullage estimate %s", f->rows[0]->model.entry->id);
		repeat(t.out, f->o, f->o->ctx_set ? f->o->ctx : 0);
		fputc('\n', t.out);
		const struct fit_row *try = triable(f);
		if (try)
			fprintf(t.out, "Try:  ullage verify --dummy %s --quant %s\n", try->model.entry->id, try->e.settings.recipe->id);
	} else {
		double fastest = 0;
		for (unsigned i = 0; i < f->n_out; i++)
			if (f->out[i]->rc == OK && f->out[i]->e.decode_tps.basis != BASIS_UNKNOWN && f->out[i]->e.decode_tps.value > fastest)
				fastest = f->out[i]->e.decode_tps.value;
		if (fastest > 0 || f->settings->ctx_tokens > 2048) {
			fputs("ullage fit", t.out);
			repeat(t.out, f->o, fastest > 0 ? f->o->ctx_set ? f->o->ctx : 0 : 2048);
			if (fastest > 0)
				fprintf(t.out, " --min-tps %.3g", fastest >= 10 ? (double)(int64_t)fastest : fastest * 0.99);
			fputs(fastest > 0 ? ", which the fastest reaches\n" : ", or a machine with more memory (--on)\n", t.out);
		} else {
			fputs("a machine with more memory (--on; ullage hardware list)\n", t.out);
		}
	}
	for (unsigned i = 0; i < h->n_warnings; i++)
		text_wrap(&t, i ? "      " : "note: ", 6, h->warnings[i]);
	if (f->probe_seconds > 0)
		text_paint(&t, DIM, "looked at this machine in %.0f ms, answered in %.0f ms\n", f->probe_seconds * 1e3, f->seconds * 1e3);
}
