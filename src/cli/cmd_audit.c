/* cmd_audit.c - ullage audit: claims judged, as a list, JSON, CSV or Markdown */
#include "base/file.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"
#include "live/audit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const enum paint colour[] = { GREEN, RED, YELLOW, DIM };

/* "Llama 3.3 70B Q4 on 2x RTX 4090", with the figure that is claimed */
static const char *claim_text(char *buf, size_t n, const struct claim *k)
{
	char figure[96] = "", a[32], b[32], t[32];
	const char *unit = k->kind == CLAIM_SPEED ? "tok/s" : k->kind == CLAIM_MEMORY ? "GB" : k->kind == CLAIM_PRICE ? "USD" : "";

	if (k->kind != CLAIM_FITS && !isnan(k->low)) {
		if (k->high > k->low && isfinite(k->high))
			snprintf(figure, sizeof figure, ": %s to %s %s", format_3(a, sizeof a, k->low), format_3(b, sizeof b, k->high), unit);
		else
			snprintf(figure, sizeof figure, ": %s %s%s", format_3(a, sizeof a, k->low), unit, k->high > k->low ? " or more" : "");
	}
	snprintf(buf, n, "%s%s%s%s", k->model[0] ? k->model : "(no model)", k->quant[0] ? " " : "", k->quant, k->negated ? " not" : "");
	size_t used = strlen(buf);
	if (k->hardware[0] && used < n) {
		if (k->devices > 1)
			used += (size_t)snprintf(buf + used, n - used, " on %ux %s", k->devices, k->hardware);
		else
			used += (size_t)snprintf(buf + used, n - used, " on %s", k->hardware);
	}
	if (k->ctx_tokens && used < n)
		used += (size_t)snprintf(buf + used, n - used, " at %s tokens", format_tokens(t, sizeof t, k->ctx_tokens));
	if (used < n)
		snprintf(buf + used, n - used, "%s%s%s", k->of[0] ? ", " : "", k->of, figure);
	return buf;
}

/* -n */
static unsigned rows(const struct audit *u, const struct options *o)
{
	return o->limit_set && o->limit < u->n ? (unsigned)o->limit : u->n;
}

static void counts_line(char *buf, size_t n, const struct audit *u)
{
	snprintf(buf, n, "%u claims: %u true, %u conditional, %u false, %u unjudged", u->n, u->count[CLAIM_TRUE], u->count[CLAIM_CONDITIONAL], u->count[CLAIM_FALSE], u->count[CLAIM_UNJUDGED]);
}

static void print_text(const struct text *x, const struct audit *u, const struct options *o)
{
	struct text beside = *x;                     /* the verdict */
	char line[512];

	beside.width -= 11;
	for (unsigned i = 0; i < rows(u, o); i++) {
		const struct claim *k = &u->claim[i];
		char head[640];
		snprintf(head, sizeof head, "%s  %s", k->id, claim_text(line, sizeof line, k));
		text_paint(x, colour[k->verdict], "%-11s", claim_verdict_names[k->verdict]);
		text_wrap(&beside, "  ", 13, head);
		if (!o->quiet)
			text_wrap(x, "             ", 13, k->reason);
	}
	counts_line(line, sizeof line, u);
	fprintf(x->out, "\n%s\n", line);
}

static void add_or_null(cJSON *o, const char *key, double v)
{
	if (isfinite(v))
		json_add_f64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static void add_bytes(cJSON *o, const char *key, uint64_t v)
{
	if (v)
		json_add_u64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static int print_json(const struct audit *u, const struct options *o, struct error *err)
{
	cJSON *doc = answer_document(), *list, *counts;

	json_add_str(doc, "file", u->file);
	list = json_add_array(doc, "claims");
	for (unsigned i = 0; i < rows(u, o); i++) {
		const struct claim *k = &u->claim[i];
		cJSON *x = cJSON_CreateObject();
		json_add_str(x, "id", k->id);
		json_add_str(x, "guide", k->guide[0] ? k->guide : NULL);
		json_add_str(x, "model", k->model[0] ? k->model : NULL);
		json_add_str(x, "hardware", k->hardware[0] ? k->hardware : NULL);
		add_bytes(x, "devices", k->devices);
		json_add_str(x, "quant", k->quant[0] ? k->quant : NULL);
		add_bytes(x, "ctx_tokens", k->ctx_tokens);
		json_add_str(x, "kind", claim_kind_names[k->kind]);
		json_add_str(x, "of", k->of[0] ? k->of : NULL);
		add_or_null(x, "low", k->low);
		add_or_null(x, "high", k->high);
		cJSON_AddBoolToObject(x, "negated", k->negated);
		json_add_str(x, "note", k->note[0] ? k->note : NULL);
		json_add_str(x, "verdict", claim_verdict_names[k->verdict]);
		json_add_str(x, "reason", k->reason);
		json_add_str(x, "model_id", k->model_id);
		json_add_str(x, "hardware_id", k->machine);
		json_add_str(x, "engine", k->engine);
		json_add_str(x, "quant_judged", k->recipe);
		add_bytes(x, "ctx_tokens_judged", k->at_ctx);
		add_bytes(x, "needs_bytes", k->needs_bytes);
		add_bytes(x, "budget_bytes", k->budget_bytes);
		add_or_null(x, "decode_tokens_per_s_low", k->decode_tps.basis != BASIS_UNKNOWN ? k->decode_tps.low : NAN);
		add_or_null(x, "decode_tokens_per_s_high", k->decode_tps.basis != BASIS_UNKNOWN ? k->decode_tps.high : NAN);
		json_add_u64(x, "cases", k->cases);
		cJSON_AddItemToArray(list, x);
	}
	counts = json_add_object(doc, "counts");
	for (unsigned v = 0; v < CLAIM_VERDICTS; v++)
		json_add_u64(counts, claim_verdict_names[v], u->count[v]);
	return answer_print(doc, err);
}

static void csv_figure(double v)
{
	if (isfinite(v))
		printf("%g", v);
	putchar(',');
}

static void print_csv(const struct audit *u, const struct options *o)
{
	fputs("id,guide,model,quant,hardware,devices,ctx_tokens,kind,of,low,high,verdict,engine,quant_judged,needs_bytes,budget_bytes,reason\n", stdout);
	for (unsigned i = 0; i < rows(u, o); i++) {
		const struct claim *k = &u->claim[i];
		csv_cell(stdout, k->id, 0);
		csv_cell(stdout, k->guide, 0);
		csv_cell(stdout, k->model, 0);
		csv_cell(stdout, k->quant, 0);
		csv_cell(stdout, k->hardware, 0);
		csv_figure(k->devices ? (double)k->devices : (double)NAN);
		if (k->ctx_tokens)
			printf("%llu", (unsigned long long)k->ctx_tokens);
		printf(",%s,%s,", claim_kind_names[k->kind], k->of);
		if (k->negated)
			fputs("not,", stdout);
		else
			csv_figure(k->low);
		csv_figure(k->high);
		printf("%s,%s,", claim_verdict_names[k->verdict], k->engine ? k->engine : "");
		csv_cell(stdout, k->recipe ? k->recipe : "", 0);
		if (k->needs_bytes)
			printf("%llu", (unsigned long long)k->needs_bytes);
		putchar(',');
		if (k->budget_bytes)
			printf("%llu", (unsigned long long)k->budget_bytes);
		putchar(',');
		csv_cell(stdout, k->reason, 1);
	}
}

/* A cell of a table of Markdown. */
static void md_cell(const char *s)
{
	for (; *s; s++) {
		if (*s == '|')
			putchar('\\');
		putchar(*s);
	}
}

static void print_markdown(const struct audit *u, const struct options *o)
{
	const char *guide = NULL;
	char line[512];

	counts_line(line, sizeof line, u);
	printf("%s.\n", line);
	for (unsigned i = 0; i < rows(u, o); i++) {
		const struct claim *k = &u->claim[i];
		if (!guide || strcmp(guide, k->guide)) {
			guide = k->guide;
			printf("\n## %s\n\n| | claim | verdict | why |\n|---|---|---|---|\n", guide[0] ? guide : "claims");
		}
		printf("| ");
		md_cell(k->id);
		printf(" | ");
		md_cell(claim_text(line, sizeof line, k));
		printf(" | **%s** | ", claim_verdict_names[k->verdict]);
		md_cell(k->reason);
		printf(" |\n");
	}
}

int cmd_audit(struct options *o, struct error *err)
{
	struct arena a = { 0 };
	struct catalog *c = NULL;
	struct efficiency eff;
	struct audit u;
	struct csv csv;
	const char *path;
	char *bytes;
	size_t n;
	int rc;

	if (o->n_args > 1)
		return error_set(err, E_USAGE, "audit wants one FILE.csv or none, not %d", o->n_args);
	if (o->markdown && (o->json || o->csv))
		return error_set(err, E_USAGE, "--markdown, --json and --csv exclude each other");
	if ((rc = catalog_from(&c, o, err)) != OK)
		goto out;
	path = o->n_args ? o->args[0] : arena_printf(&a, "%s/data/claims.csv", catalog_folder(c));
	if (!path) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	if ((rc = file_read(&bytes, &n, &a, path, (size_t)16 << 20, err)) != OK || (rc = csv_parse(&csv, &a, o->n_args ? path : "data/claims.csv", bytes, n, err)) != OK ||
	    (rc = efficiency_from(&eff, &a, c, err)) != OK || (rc = audit_run(&u, c, &eff, &csv, o->where, (unsigned)o->n_where, &a, err)) != OK)
		goto out;
	if (o->json) {
		rc = print_json(&u, o, err);
	} else if (o->csv) {
		print_csv(&u, o);
	} else if (o->markdown) {
		print_markdown(&u, o);
	} else {
		struct text x;
		text_open(&x, o);
		print_text(&x, &u, o);
	}
out:
	catalog_close(c);
	arena_free(&a);
	return rc;
}
