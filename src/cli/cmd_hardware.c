/* cmd_hardware.c - ullage hardware: this machine, a recording of one, or the catalogue of machines */
#include "base/units.h"
#include "catalog/hardware_name.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/machine.h"
#include "cli/measure_text.h"
#include "live/measure.h"

#include <string.h>

static const char *bandwidth(char *b, size_t n, struct known k)
{
	char v[24];

	if (!is_known(k))
		return "unknown";
	snprintf(b, n, "%s GB/s", format_3(v, sizeof v, k.v / 1e9));
	return b;
}

static int print_spec(const struct options *o, const struct hardware_spec *h, struct error *err)
{
	char a[32], b[32], c[32];

	if (o->json) {
		cJSON *doc = answer_document();
		hardware_json_spec(json_add_object(doc, "hardware"), h);
		return answer_print(doc, err);
	}
	struct text t;
	text_open(&t, o);
	text_paint(&t, BOLD, "%s", h->name);
	fputc('\n', t.out);
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		unsigned n = (unsigned)h->groups[g].per_node * h->groups[g].nodes;
		fprintf(t.out, "%u x %s, memory %s\n", n, d->name, h->pools[h->groups[g].pool].name);
		for (unsigned m = 0; m < MATH_COUNT; m++)
			if (is_known(d->flops[m]))
				fprintf(t.out, "    %-6s %8s TFLOPS dense\n", math_names[m], format_3(a, sizeof a, d->flops[m].v / 1e12));
	}
	for (unsigned i = 0; i < h->n_pools; i++) {
		const struct pool *p = &h->pools[i];
		fprintf(t.out, "%-8s %s total, %s usable, ", p->name, format_bytes(a, sizeof a, p->total_bytes), p->usable_bytes ? format_bytes(b, sizeof b, p->usable_bytes) : "unknown");
		if (is_known(p->free_bytes))
			fprintf(t.out, "%s free, ", format_bytes(b, sizeof b, (uint64_t)p->free_bytes.v));
		fprintf(t.out, "bandwidth %s%s%s%s\n", bandwidth(c, sizeof c, p->read_bps), p->limit ? " (limit: " : "", p->limit ? p->limit : "", p->limit ? ")" : "");
	}
	for (unsigned i = 0; i < h->n_warnings && !o->quiet; i++)
		text_wrap(&t, "note: ", 6, h->warnings[i]);
	return OK;
}

static int print_list(const struct options *o, struct catalog *c, struct error *err)
{
	unsigned n, shown = 0;
	const struct hardware_entry *all = catalog_hardware(c, &n);
	cJSON *doc = o->json ? answer_document() : NULL, *list = doc ? json_add_array(doc, "hardware") : NULL;
	char a[32], b[32];
	struct table tab;
	struct text t;

	text_open(&t, o);
	table_init(&tab, 5, 0xc);
	tab.shrink = 2;
	for (unsigned i = 0; i < 5; i++)
		table_cell(&tab, DIM, "%s", (const char *const[]){ "id", "name", "memory", "bandwidth", "status" }[i]);
	if (o->csv)
		fputs("id,name,memory_total_bytes,memory_usable_bytes,bandwidth_bytes_per_s,status\n", stdout);
	for (unsigned i = 0; i < n && !(o->limit_set && shown >= o->limit); i++) {
		static const char *const status[] = { "", "announced", "never sold" };
		const struct hardware_entry *e;
		int rc = catalog_device(&e, c, all[i].id, NULL);
		if (rc != OK && rc != E_AVAILABLE && rc != E_AMBIGUOUS) {
			cJSON_Delete(doc);
			return catalog_device(&e, c, all[i].id, err);
		}
		if (rc != OK)
			e = &all[i];
		const struct pool *p = e->spec && e->spec->n_pools ? &e->spec->pools[0] : NULL;
		shown++;
		if (doc) {
			cJSON *x = cJSON_CreateObject();
			json_add_str(x, "id", e->id);
			json_add_str(x, "name", e->name);
			if (p && p->total_bytes)
				json_add_u64(x, "memory_total_bytes", p->total_bytes);
			else
				cJSON_AddNullToObject(x, "memory_total_bytes");
			cJSON_AddItemToArray(list, x);
		} else if (o->csv) {
			csv_cell(stdout, e->id, 0);
			csv_cell(stdout, e->name, 0);
			if (p && p->total_bytes)
				printf("%llu,%llu,", (unsigned long long)p->total_bytes, (unsigned long long)p->usable_bytes);
			else
				fputs(",,", stdout);
			if (p && is_known(p->read_bps))
				printf("%.0f", p->read_bps.v);
			printf(",%s\n", status[e->status]);
		} else {
			table_cell(&tab, PLAIN, "%s", e->id);
			table_cell(&tab, PLAIN, "%s", e->name);
			table_cell(&tab, PLAIN, "%s", e->n_variants ? "by variant" : p && p->total_bytes ? format_bytes(a, sizeof a, p->total_bytes) : e->n_groups ? "by device" : "unknown");
			table_cell(&tab, PLAIN, "%s", p ? bandwidth(b, sizeof b, p->read_bps) : "");
			table_cell(&tab, PLAIN, "%s", status[e->status]);
		}
	}
	if (doc)
		return answer_print(doc, err);
	table_print(&tab, &t, 1);
	return OK;
}

/* One line a GPU, then the processor. */
static void machine_csv(const struct machine *m)
{
	fputs("device,name,memory_total_bytes,memory_free_bytes,bandwidth_bytes_per_s,match\n", stdout);
	for (unsigned i = 0; i <= m->found.n_gpus; i++) {
		const struct probed_gpu *g = i < m->found.n_gpus ? &m->found.gpu[i] : NULL;
		const struct probe_match *match = &m->match[i];
		const struct pool *p = NULL;
		if (g)
			printf("gpu%u,", i);
		else
			fputs("host,", stdout);
		csv_cell(stdout, g ? g->name ? g->name : "" : m->found.cpu.name ? m->found.cpu.name : "", 0);
		if (g && match->group != PROBE_NO_GROUP)
			p = &m->spec.pools[m->spec.groups[match->group].pool];
		for (unsigned k = 0; k < m->spec.n_pools && !g; k++)
			if (m->spec.pools[k].kind != POOL_VRAM)
				p = &m->spec.pools[k];
		if (p && p->total_bytes)
			printf("%llu", (unsigned long long)p->total_bytes);
		fputc(',', stdout);
		/* of this card, not the least of its group */
		if (g && p && p->kind == POOL_VRAM && !g->free_unknown)
			printf("%llu", (unsigned long long)g->free);
		else if (p && is_known(p->free_bytes))
			printf("%.0f", p->free_bytes.v);
		fputc(',', stdout);
		if (p && is_known(p->read_bps))
			printf("%.0f", p->read_bps.v);
		fputc(',', stdout);
		csv_cell(stdout, g && match->id ? match->id : "", 1);
	}
}

/* One document: what there is, and what is wrong with it, if anything; the exit status is the error's. */
static int print_document(cJSON *doc, const struct error *wrong, struct error *err)
{
	int rc;

	if (wrong->code != OK) {
		cJSON *x = json_add_object(doc, "error");
		json_add_str(x, "code", error_name(wrong->code));
		json_add_str(x, "message", wrong->text);
		json_add_str(x, "hint", wrong->hint[0] ? wrong->hint : NULL);
		json_add_array(x, "candidates");
	}
	rc = answer_print(doc, err);
	return rc != OK || wrong->code == OK ? rc : error_exit(wrong->code);
}

static int print_machine(const struct options *o, const struct machine *m, struct error *err)
{
	if (o->json) {
		cJSON *doc = answer_document(), *x = json_add_object(doc, "hardware");
		hardware_json_spec(x, &m->spec);
		machine_json(x, m);
		return print_document(doc, &m->lost, err);
	}
	if (o->csv) {
		machine_csv(m);
	} else {
		struct text t;
		text_open(&t, o);
		machine_text(&t, m, o->quiet);
	}
	if (m->lost.code != OK && err)
		*err = m->lost;
	return m->lost.code;
}

static int show_machine(const struct options *o, struct arena *a, struct catalog *c, const char *replay, struct error *err)
{
	struct machine *m;
	int rc = machine_probe(&m, a, c, replay, NULL, 1, err);

	if (rc == OK && !o->no_calibration)
		rc = machine_calibrate(m, a, err);
	return rc == OK ? print_machine(o, m, err) : rc;
}

/* Measured, kept, and shown; what could not be kept is shown all the same. */
static int measure(const struct options *o, struct arena *a, struct catalog *c, struct error *err)
{
	struct measure_options how = { .progress = o->quiet ? NULL : measure_progress };
	struct error kept = { 0 };
	const char *file = NULL;
	struct measured found;
	struct machine *m;
	int rc;

	if ((rc = machine_probe(&m, a, c, NULL, NULL, 0, err)) != OK)
		return rc;
	rc = measure_machine(&found, &m->found, &how, err);
	if (!o->quiet)
		measure_progress_end();
	if (rc != OK)
		return rc;
	if ((rc = calibration_append(&file, a, &m->spec, &m->found, &found, &kept)) != OK)
		file = NULL;
	else if ((rc = machine_calibrate(m, a, err)) != OK)
		return rc;
	if (o->json) {
		cJSON *doc = answer_document();
		hardware_json_spec(json_add_object(doc, "hardware"), &m->spec);
		measure_json(doc, &found, file);
		return print_document(doc, &kept, err);
	}
	if (o->csv) {
		measure_csv(stdout, &found);
	} else {
		struct text t;
		text_open(&t, o);
		measure_text(&t, &found, file, o->quiet);
	}
	if (rc != OK && err)
		*err = kept;
	return rc;
}

static int run(const struct options *o, struct arena *a, struct catalog *c, struct error *err)
{
	struct hardware_spec h;
	int rc;

	if (o->n_args && (o->record || o->measure))
		return error_set(err, E_USAGE, "%s is of this machine: it goes with no other argument", o->record ? "--record" : "--measure");
	if (o->record && o->measure)
		return error_set(err, E_USAGE, "--record and --measure exclude each other");
	if (o->measure)
		return measure(o, a, c, err);
	if (o->record)
		return machine_record(a, c, o->record, o->quiet, err);
	if (o->n_args == 0)
		return show_machine(o, a, c, NULL, err);
	if (o->n_args == 1 && !strcmp(o->args[0], "list"))
		return print_list(o, c, err);
	if (o->n_args != 2 || strcmp(o->args[0], "show"))
	{
		error_set(err, E_USAGE, "hardware wants nothing, list, or show NAME or RECORDING");
		if (o->n_args == 1 && err)
			error_hint(err, "ullage hardware show \"%.60s\"; ullage hardware list has the names", o->args[0]);
		return E_USAGE;
	}
	if (machine_is_recording(o->args[1]))
		return show_machine(o, a, c, o->args[1], err);
	if (o->csv)
		return error_set(err, E_USAGE, "hardware show NAME has no table of rows: --json, or hardware list --csv");
	if ((rc = hardware_resolve(&h, a, c, o->args[1], 0, err)) != OK)
		return rc;
	return print_spec(o, &h, err);
}

int cmd_hardware(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct arena a = { 0 };
	int rc = catalog_open(&c, o->program, err);

	if (rc == OK)
		rc = run(o, &a, c, err);
	arena_free(&a);
	catalog_close(c);
	return rc;
}
