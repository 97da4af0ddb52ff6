/* cmd_hardware.c - ullage hardware: this machine, a recording of one, or the catalogue of machines */
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"
#include "cli/hardware_show.h"
#include "cli/machine.h"
#include "cli/measure_text.h"
#include "live/measure.h"

#include <string.h>

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

/* Options of the list go with it alone. */
static int check_options(const struct options *o, struct error *err)
{
	const char *of_list = o->vendor ? "--vendor" : o->kind ? "--kind" : o->status ? "--status" : o->min_memory ? "--min-memory" : o->columns ? "--columns" :
		o->sort ? "--sort" : NULL;

	if (of_list && (!o->n_args || strcmp(o->args[0], "list")))
		return error_set(err, E_USAGE, "%s goes with hardware list", of_list);
	return OK;
}

static int run(const struct options *o, struct arena *a, struct catalog *c, struct error *err)
{
	int rc = check_options(o, err);

	if (rc != OK)
		return rc;
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
	if (!strcmp(o->args[0], "list"))
		return hardware_list(o, a, c, err);
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
	return hardware_show(o, a, c, o->args[1], err);
}

int cmd_hardware(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct arena a = { 0 };
	int rc = catalog_from(&c, o, err);

	if (rc == OK)
		rc = run(o, &a, c, err);
	arena_free(&a);
	catalog_close(c);
	return rc;
}
