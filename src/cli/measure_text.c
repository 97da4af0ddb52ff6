/* measure_text.c - the tables of ullage hardware --measure */
#include "cli/measure_text.h"

#include "base/units.h"
#include "catalog/quant.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "48.6 GB/s", "1050 GFLOPS", "0.152 us" by kind; whole numbers have operations, not FLOPs. */
static const char *value_text(char *b, size_t n, const struct measured_row *r, double v)
{
	char d[24];

	if (r->kind == MEASURED_LAUNCH)
		snprintf(b, n, "%s us", format_3(d, sizeof d, v * 1e6));
	else
		snprintf(b, n, "%s %s", format_3(d, sizeof d, v / 1e9),
			r->kind != MEASURED_MATRIX ? "GB/s" : strncmp(r->detail, "int8", 4) ? "GFLOPS" : "GOPS");
	return b;
}

static const char *const kind_words[] = { "read", "matrix x vector", "matrix product", "start threads", "prefill", "decode" };

void measure_text(const struct text *t, const struct measured *m, const char *file, int quiet)
{
	static const char *const head[] = { "what", "of", "bytes", "threads", "median", "slowest", "fastest", "spread" };
	const struct measured_row *read = measured_best(m, MEASURED_STREAM, "memory/"), *most = NULL;
	char b[32];
	struct table tab;

	table_init(&tab, 8, 0xfc);
	for (unsigned i = 0; i < 8; i++)
		table_cell(&tab, DIM, "%s", head[i]);
	for (unsigned i = 0; i < m->n_rows; i++) {
		const struct measured_row *r = &m->row[i];
		int slow_is_max = r->kind == MEASURED_LAUNCH;
		table_cell(&tab, PLAIN, "%s", kind_words[r->kind]);
		table_cell(&tab, PLAIN, "%s", r->detail);
		table_cell(&tab, PLAIN, "%s", r->bytes ? format_bytes(b, sizeof b, r->bytes) : "");
		table_cell(&tab, PLAIN, "%u", r->threads);
		table_cell(&tab, r == read ? BOLD : PLAIN, "%s", value_text(b, sizeof b, r, r->value));
		table_cell(&tab, PLAIN, "%s", value_text(b, sizeof b, r, slow_is_max ? r->max : r->min));
		table_cell(&tab, PLAIN, "%s", value_text(b, sizeof b, r, slow_is_max ? r->min : r->max));
		table_cell(&tab, measured_spread(r) > 0.1 ? YELLOW : PLAIN, "%.1f %%", 100 * measured_spread(r));
		if (r->kind == MEASURED_STREAM && !strncmp(r->detail, "memory/", 7) && (!most || r->threads > most->threads))
			most = r;
	}
	table_print(&tab, t, 1);
	if (read) {
		fprintf(t->out, "memory reads at %s with %u thread%s", value_text(b, sizeof b, read, read->value), read->threads, read->threads == 1 ? "" : "s");
		if (most && most != read)
			fprintf(t->out, ", the best number; %s with all %u", value_text(b, sizeof b, most, most->value), most->threads);
		fputc('\n', t->out);
	}
	if (quiet)
		return;
	for (unsigned i = 0; i < m->n_notes; i++)
		text_wrap(t, "note: ", 6, m->note[i]);
	fprintf(t->out, "%s, %.1f s%s\n", m->date, m->seconds, m->pinned ? ", each thread on its processor" : "");
	if (file)
		text_wrap(t, "kept in ", 2, file);
}

static void add_best(cJSON *o, const char *key, const struct measured_row *r)
{
	if (r)
		json_add_f64(o, key, r->value);
	else
		cJSON_AddNullToObject(o, key);
}

void measure_json(cJSON *o, const struct measured *m, const char *file)
{
	cJSON *x = json_add_object(o, "measured"), *list;
	const struct measured_row *read = measured_best(m, MEASURED_STREAM, "memory/");

	json_add_str(x, "date", m->date);
	json_add_f64(x, "seconds", m->seconds);
	json_add_str(x, "file", file);
	add_best(x, "read_bytes_per_s", read);
	if (read)
		json_add_u64(x, "read_threads", read->threads);
	else
		cJSON_AddNullToObject(x, "read_threads");
	list = json_add_object(x, "flops");
	add_best(list, math_names[MATH_F32], measured_best(m, MEASURED_MATRIX, "f32/"));
	add_best(list, math_names[MATH_BF16], measured_best(m, MEASURED_MATRIX, "bf16/"));
	add_best(list, math_names[MATH_INT8], measured_best(m, MEASURED_MATRIX, "int8/"));
	add_best(x, "launch_s", measured_best(m, MEASURED_LAUNCH, "pool"));
	json_add_bool(x, "pinned", m->pinned);
	list = json_add_array(x, "rows");
	for (unsigned i = 0; i < m->n_rows; i++) {
		const struct measured_row *r = &m->row[i];
		cJSON *y = cJSON_CreateObject();
		json_add_str(y, "kind", measured_kind_names[r->kind]);
		json_add_str(y, "detail", r->detail);
		if (r->bytes)
			json_add_u64(y, "bytes", r->bytes);
		else
			cJSON_AddNullToObject(y, "bytes");
		json_add_u64(y, "threads", r->threads);
		json_add_f64(y, "value", r->value);
		json_add_str(y, "unit", measured_units[r->kind]);
		json_add_f64(y, "min", r->min);
		json_add_f64(y, "max", r->max);
		json_add_f64(y, "spread", measured_spread(r));
		json_add_f64(y, "processor_share", r->share);
		json_add_u64(y, "repeats", r->repeats);
		cJSON_AddItemToArray(list, y);
	}
	list = json_add_array(x, "notes");
	for (unsigned i = 0; i < m->n_notes; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(m->note[i]));
}

void measure_csv(FILE *out, const struct measured *m)
{
	fputs("date,kind,detail,bytes,threads,value,unit,min,max,repeats\n", out);
	for (unsigned i = 0; i < m->n_rows; i++) {
		const struct measured_row *r = &m->row[i];
		fprintf(out, "%s,%s,%s,", m->date, measured_kind_names[r->kind], r->detail);
		if (r->bytes)
			fprintf(out, "%llu", (unsigned long long)r->bytes);
		fprintf(out, ",%u,%.9g,%s,%.9g,%.9g,%u\n", r->threads, r->value, measured_units[r->kind], r->min, r->max, r->repeats);
	}
}

void measure_progress(void *user, const char *what, unsigned step, unsigned of)
{
	(void)user;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Kmeasuring %u of %u: %s", step + 1, of, what);
}

void measure_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

const char *calibration_sentence(struct arena *a, const struct calibration_used *u)
{
	const char *cut = u->cut ? arena_printf(a, "; %u row%s cut short left out", u->cut, u->cut == 1 ? "" : "s") : "";
	const char *other = u->other ? arena_printf(a, "; %u row%s of other conditions not used (%s)", u->other, u->other == 1 ? "" : "s",
		u->why ? u->why : "") : "";

	if (!u->file || !cut || !other)
		return NULL;
	if (u->used)
		return arena_printf(a, "measured here on %.10s: %u rows of %s%s%s", u->newest, u->used, u->file, other, cut);
	if (u->other)
		return arena_printf(a, "%s is not used: %s%s", u->file, u->why, cut);
	if (u->why)
		return arena_printf(a, "%s: %s", u->file, u->why);
	return arena_printf(a, "%s holds no measurement that can be used%s", u->file, cut);
}
